//! The one table of actions: what a person can do, with which keys, where, and one sentence about it.
//!
//! Dispatch, the bottom line, the help, the palette and the README's key table are all made from it.

pub(super) use super::action_table::ACTIONS;
use super::action_table::{ENTRIES, EVERYWHERE, LISTS, PANES};
use super::keys::Key;

/// Where keys are pressed: the layer that gets them first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Context {
    /// The recording is being read.
    Loading,
    /// The Findings pane.
    Findings,
    /// The Tasks pane.
    Tasks,
    /// The Task pane.
    Task,
    /// The Wakers pane.
    Wakers,
    /// The Scheduler pane.
    Scheduler,
    /// The Resources pane.
    Resources,
    /// The Causes pane.
    Causes,
    /// The line in which a search is typed.
    Find,
    /// The line in which an instant is typed.
    Time,
    /// The list of what can be stepped through.
    Kinds,
    /// The line in which a filter is typed.
    Filter,
    /// The command palette.
    Palette,
    /// A sheet of text: the help, or all about the recording.
    Sheet,
}

impl Context {
    /// Its name above a part of the help.
    #[must_use]
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Loading => "While loading",
            Self::Findings => "Findings",
            Self::Tasks => "Tasks",
            Self::Task => "Task",
            Self::Wakers => "Wakers",
            Self::Scheduler => "Scheduler",
            Self::Resources => "Resources",
            Self::Causes => "Causes",
            Self::Find => "Typing a search",
            Self::Time => "Typing an instant",
            Self::Kinds => "Choosing what to step through",
            Self::Filter => "Typing a filter",
            Self::Palette => "Command palette",
            Self::Sheet => "Sheets",
        }
    }
}

/// Names an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the table says what each of them does")]
pub(super) enum ActionId {
    Open,
    Follow,
    WhoWoke,
    Parent,
    Child,
    Lengths,
    NextFinding,
    PreviousFinding,
    NextSlow,
    PreviousSlow,
    Longest,
    Find,
    ClearFind,
    Overview,
    Filter,
    Complete,
    EntryLeft,
    EntryRight,
    EntryStart,
    EntryEnd,
    SortNext,
    SortPrevious,
    SortReverse,
    ShowAll,
    Back,
    Forward,
    Leave,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    CursorLeft,
    CursorRight,
    CursorFarLeft,
    CursorFarRight,
    CursorStart,
    CursorEnd,
    ZoomIn,
    ZoomOut,
    ZoomAll,
    TaskLanes,
    LaneColors,
    LaneSeries,
    Mark,
    StepNext,
    StepPrevious,
    AnyNext,
    AnyPrevious,
    StepKind,
    GoToTime,
    Play,
    Faster,
    Slower,
    WakersSide,
    WakeesSide,
    NextView,
    Fold,
    FindingsPane,
    TasksPane,
    TaskPane,
    WakersPane,
    SchedulerPane,
    ResourcesPane,
    CausesPane,
    NextPane,
    PreviousPane,
    Palette,
    Help,
    Redraw,
    Suspend,
    Quit,
    QuitNow,
    StopLoading,
    EntryAccept,
    EntryCancel,
    EntryErase,
    EntryClear,
    EntryUp,
    EntryDown,
    CloseSheet,
    About,
    CopyLink,
    CopySelection,
    Mouse,
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Action {
    /// Which action this is.
    pub(super) id: ActionId,
    /// Its name in the palette.
    pub(super) name: &'static str,
    /// The keys that start it; the first is the one that is shown.
    pub(super) keys: &'static [Key],
    /// Where it applies.
    pub(super) contexts: &'static [Context],
    /// One or two words for the bottom line, where it belongs there.
    pub(super) hint: Option<&'static str>,
    /// One sentence about it.
    pub(super) help: &'static str,
}

impl ActionId {
    /// Its row of the table; a test holds that each action has one.
    #[must_use]
    pub(super) fn row(self) -> &'static Action {
        ACTIONS
            .iter()
            .find(|action| action.id == self)
            .unwrap_or(&ACTIONS[0])
    }
}

/// The actions that apply in `context`, in the table's order.
pub(super) fn in_context(context: Context) -> impl Iterator<Item = &'static Action> {
    ACTIONS
        .iter()
        .filter(move |action| action.contexts.contains(&context))
}

/// The table as the README shows it: keys, where they apply, what they do.
#[must_use]
pub(super) fn markdown() -> String {
    let mut text = String::from("| keys | where | what |\n|---|---|---|\n");
    for action in ACTIONS {
        let keys: Vec<String> = action.keys.iter().map(|key| format!("`{key}`")).collect();
        let places: Vec<&str> = action
            .contexts
            .iter()
            .map(|context| context.title())
            .collect();
        let places = match action.contexts {
            EVERYWHERE => "everywhere".to_owned(),
            PANES => "panes".to_owned(),
            LISTS => "panes, sheets".to_owned(),
            ENTRIES => "lines that are typed".to_owned(),
            _ => places.join(", "),
        };
        text.push_str(&format!(
            "| {} | {places} | {} |\n",
            keys.join(" "),
            action.help
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::explorer::{action_table::ENTRIES, keymap::Keymap};

    #[test]
    fn every_action_is_bound_and_documented_once() {
        let mut names = HashSet::new();
        let mut ids = HashSet::new();
        for action in ACTIONS {
            assert!(names.insert(action.name), "{} twice", action.name);
            assert!(ids.insert(action.id), "{:?} twice", action.id);
            assert!(!action.keys.is_empty(), "{} has no key", action.name);
            assert!(
                !action.contexts.is_empty(),
                "{} applies nowhere",
                action.name
            );
            assert!(
                action.help.ends_with('.') && action.help.len() > 10,
                "{}",
                action.name
            );
            assert_eq!(action.id.row().id, action.id);
        }
    }

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for context in EVERYWHERE {
            let mut seen = HashSet::new();
            for action in in_context(*context) {
                for key in action.keys {
                    assert!(seen.insert(*key), "{key} means two things in {context:?}");
                }
            }
        }
    }

    #[test]
    fn every_action_is_reached_by_each_of_its_keys_where_it_applies() {
        let keymap = Keymap::default();
        for action in ACTIONS {
            for context in action.contexts {
                for key in action.keys {
                    assert_eq!(keymap.resolve(*context, *key), Some(action.id));
                }
            }
        }
    }

    #[test]
    fn what_is_typed_into_an_entry_is_never_an_action() {
        for context in ENTRIES {
            for action in in_context(*context) {
                assert!(
                    action.keys.iter().all(|key| key.typed().is_none()),
                    "{}",
                    action.name
                );
            }
        }
    }

    #[test]
    fn the_markdown_table_has_a_line_for_each_action() {
        assert_eq!(markdown().lines().count(), ACTIONS.len() + 2);
    }
}
