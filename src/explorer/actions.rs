//! The one table of actions: what a person can do, with which keys, where, and one sentence about it.
//!
//! Dispatch, the bottom line, the help, the palette and the README's key table are all made from it.

use crossterm::event::KeyCode;

use super::keys::Key;

/// Where keys are pressed: the layer that gets them first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Context {
    /// The recording is being read.
    Loading,
    /// The Tasks pane.
    Tasks,
    /// The Task pane.
    Task,
    /// The line in which a search is typed.
    Find,
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
            Self::Tasks => "Tasks",
            Self::Task => "Task",
            Self::Find => "Typing a search",
            Self::Palette => "Command palette",
            Self::Sheet => "Sheets",
        }
    }
}

const EVERYWHERE: &[Context] = &[
    Context::Loading,
    Context::Tasks,
    Context::Task,
    Context::Find,
    Context::Palette,
    Context::Sheet,
];
const PANES: &[Context] = &[Context::Tasks, Context::Task];
const LISTS: &[Context] = &[Context::Tasks, Context::Task, Context::Sheet];
const ENTRIES: &[Context] = &[Context::Find, Context::Palette];

/// Names an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the table says what each of them does")]
pub(super) enum ActionId {
    Open,
    Follow,
    WhoWoke,
    Parent,
    NextFinding,
    PreviousFinding,
    NextSlow,
    PreviousSlow,
    Longest,
    Find,
    ClearFind,
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
    TasksPane,
    TaskPane,
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

const fn action(
    id: ActionId,
    name: &'static str,
    keys: &'static [Key],
    contexts: &'static [Context],
    hint: Option<&'static str>,
    help: &'static str,
) -> Action {
    Action {
        id,
        name,
        keys,
        contexts,
        hint,
        help,
    }
}

const fn code(code: KeyCode) -> Key {
    Key::code(code)
}

/// The table, in the order in which the bottom line and the help show it.
pub(super) const ACTIONS: &[Action] = &[
    action(
        ActionId::StopLoading,
        "stop-loading",
        &[code(KeyCode::Esc), Key::char('q')],
        &[Context::Loading],
        Some("stop"),
        "Stop loading and leave.",
    ),
    action(
        ActionId::Open,
        "open",
        &[code(KeyCode::Enter)],
        &[Context::Tasks],
        Some("open"),
        "Open the selected task at the cursor.",
    ),
    action(
        ActionId::Follow,
        "follow",
        &[code(KeyCode::Enter)],
        &[Context::Task],
        Some("follow"),
        "Go to the other end of the selected event: the waker, the woken task, the child, the parent, the cause.",
    ),
    action(
        ActionId::NextFinding,
        "next-finding",
        &[Key::char('f')],
        PANES,
        Some("finding"),
        "Go to the culprit of the next finding, at the moment of the crime.",
    ),
    action(
        ActionId::WhoWoke,
        "who-woke",
        &[Key::char('w')],
        PANES,
        Some("who woke"),
        "Go from a poll to the wake that caused it, and from a wake to the poll of the task that issued it.",
    ),
    action(
        ActionId::NextSlow,
        "next-slow-poll",
        &[Key::char('n')],
        PANES,
        Some("slow"),
        "Go to the next slow poll: of the opened task, or of any task in the Tasks pane.",
    ),
    action(
        ActionId::Find,
        "find",
        &[Key::char('/')],
        PANES,
        Some("find"),
        "Find tasks by letters of their name, location or id.",
    ),
    action(
        ActionId::SortNext,
        "sort-next",
        &[Key::char('s')],
        &[Context::Tasks],
        Some("sort"),
        "Sort by the next column to the right; trouble comes after the last one.",
    ),
    action(
        ActionId::Parent,
        "parent",
        &[Key::char('p')],
        PANES,
        Some("parent"),
        "Go to the task that spawned this one, at that moment.",
    ),
    action(
        ActionId::ZoomIn,
        "zoom-in",
        &[Key::char('+'), Key::char('=')],
        &[Context::Task],
        Some("zoom"),
        "Show half as much time about the cursor.",
    ),
    action(
        ActionId::ZoomOut,
        "zoom-out",
        &[Key::char('-')],
        &[Context::Task],
        None,
        "Show twice as much time about the cursor.",
    ),
    action(
        ActionId::ZoomAll,
        "zoom-all",
        &[Key::char('z')],
        &[Context::Task],
        None,
        "Show the whole window, or what was shown before.",
    ),
    action(
        ActionId::Back,
        "back",
        &[code(KeyCode::Backspace), Key::ctrl('o'), Key::char('[')],
        PANES,
        Some("back"),
        "Go back to where the last jump came from: pane, selection, cursor and zoom.",
    ),
    action(
        ActionId::Forward,
        "forward",
        &[Key::char(']')],
        PANES,
        None,
        "Undo the last step back.",
    ),
    action(
        ActionId::Leave,
        "leave",
        &[code(KeyCode::Esc)],
        &[Context::Task],
        None,
        "Return to the Tasks pane, with this task selected.",
    ),
    action(
        ActionId::PreviousFinding,
        "previous-finding",
        &[Key::char('F')],
        PANES,
        None,
        "Go to the culprit of the previous finding.",
    ),
    action(
        ActionId::PreviousSlow,
        "previous-slow-poll",
        &[Key::char('N')],
        PANES,
        None,
        "Go to the previous slow poll.",
    ),
    action(
        ActionId::Longest,
        "longest-poll",
        &[Key::char('m')],
        PANES,
        None,
        "Go to the longest poll of the selected task.",
    ),
    action(
        ActionId::SortPrevious,
        "sort-previous",
        &[Key::char('S')],
        &[Context::Tasks],
        None,
        "Sort by the next column to the left.",
    ),
    action(
        ActionId::SortReverse,
        "sort-reverse",
        &[Key::char('r')],
        &[Context::Tasks],
        None,
        "Turn the order round.",
    ),
    action(
        ActionId::ShowAll,
        "show-all",
        &[Key::char('a')],
        &[Context::Tasks],
        Some("all"),
        "List every task of the recording, or only those alive at the cursor.",
    ),
    action(
        ActionId::ClearFind,
        "clear-find",
        &[code(KeyCode::Esc)],
        &[Context::Tasks],
        None,
        "Give up the search.",
    ),
    action(
        ActionId::Up,
        "up",
        &[Key::char('k'), code(KeyCode::Up)],
        LISTS,
        None,
        "Go up one line.",
    ),
    action(
        ActionId::Down,
        "down",
        &[Key::char('j'), code(KeyCode::Down)],
        LISTS,
        None,
        "Go down one line.",
    ),
    action(
        ActionId::PageUp,
        "page-up",
        &[code(KeyCode::PageUp), Key::ctrl('b'), Key::ctrl('u')],
        LISTS,
        None,
        "Go up one page.",
    ),
    action(
        ActionId::PageDown,
        "page-down",
        &[
            code(KeyCode::PageDown),
            Key::ctrl('f'),
            Key::ctrl('d'),
            Key::char(' '),
        ],
        LISTS,
        None,
        "Go down one page.",
    ),
    action(
        ActionId::First,
        "first",
        &[code(KeyCode::Home)],
        LISTS,
        None,
        "Go to the first line.",
    ),
    action(
        ActionId::Last,
        "last",
        &[Key::char('G'), code(KeyCode::End)],
        LISTS,
        None,
        "Go to the last line.",
    ),
    action(
        ActionId::CursorLeft,
        "cursor-left",
        &[Key::char('h'), code(KeyCode::Left)],
        PANES,
        None,
        "Move the cursor back by one cell of the timeline; everything shows its state at the cursor.",
    ),
    action(
        ActionId::CursorRight,
        "cursor-right",
        &[Key::char('l'), code(KeyCode::Right)],
        PANES,
        None,
        "Move the cursor on by one cell of the timeline.",
    ),
    action(
        ActionId::CursorFarLeft,
        "cursor-far-left",
        &[Key::char('H')],
        PANES,
        None,
        "Move the cursor back by ten cells.",
    ),
    action(
        ActionId::CursorFarRight,
        "cursor-far-right",
        &[Key::char('L')],
        PANES,
        None,
        "Move the cursor on by ten cells.",
    ),
    action(
        ActionId::CursorStart,
        "cursor-start",
        &[Key::char('0')],
        PANES,
        None,
        "Move the cursor to the window's start.",
    ),
    action(
        ActionId::CursorEnd,
        "cursor-end",
        &[Key::char('$')],
        PANES,
        None,
        "Move the cursor to the window's end.",
    ),
    action(
        ActionId::TasksPane,
        "tasks",
        &[Key::char('2')],
        PANES,
        None,
        "Show the Tasks pane.",
    ),
    action(
        ActionId::TaskPane,
        "task",
        &[Key::char('3')],
        PANES,
        None,
        "Show the Task pane.",
    ),
    action(
        ActionId::NextPane,
        "next-pane",
        &[code(KeyCode::Tab)],
        PANES,
        None,
        "Show the next pane.",
    ),
    action(
        ActionId::PreviousPane,
        "previous-pane",
        &[code(KeyCode::BackTab)],
        PANES,
        None,
        "Show the previous pane.",
    ),
    action(
        ActionId::EntryAccept,
        "accept",
        &[code(KeyCode::Enter)],
        ENTRIES,
        Some("accept"),
        "Keep the search, or run the selected command.",
    ),
    action(
        ActionId::EntryCancel,
        "cancel",
        &[code(KeyCode::Esc)],
        ENTRIES,
        Some("cancel"),
        "Close the line, as if nothing had been typed.",
    ),
    action(
        ActionId::EntryErase,
        "erase",
        &[code(KeyCode::Backspace), Key::ctrl('h')],
        ENTRIES,
        None,
        "Erase the last character.",
    ),
    action(
        ActionId::EntryClear,
        "erase-all",
        &[Key::ctrl('u'), Key::ctrl('w')],
        ENTRIES,
        None,
        "Erase all that was typed.",
    ),
    action(
        ActionId::EntryUp,
        "entry-up",
        &[code(KeyCode::Up), Key::ctrl('p')],
        ENTRIES,
        Some("up"),
        "Select the line above.",
    ),
    action(
        ActionId::EntryDown,
        "entry-down",
        &[code(KeyCode::Down), Key::ctrl('n')],
        ENTRIES,
        Some("down"),
        "Select the line below.",
    ),
    action(
        ActionId::CloseSheet,
        "close",
        &[
            code(KeyCode::Esc),
            Key::char('q'),
            Key::char('?'),
            code(KeyCode::Enter),
        ],
        &[Context::Sheet],
        Some("close"),
        "Close the sheet.",
    ),
    action(
        ActionId::Palette,
        "palette",
        &[Key::char(':')],
        PANES,
        Some("palette"),
        "Choose an action by its name.",
    ),
    action(
        ActionId::Help,
        "help",
        &[Key::char('?')],
        PANES,
        Some("help"),
        "Show what can be done here.",
    ),
    action(
        ActionId::About,
        "about",
        &[Key::char('i')],
        PANES,
        None,
        "Show where the recording comes from, what it covers, and what is missing from it.",
    ),
    action(
        ActionId::Quit,
        "quit",
        &[Key::char('q')],
        PANES,
        Some("quit"),
        "Leave the explorer.",
    ),
    action(
        ActionId::Redraw,
        "redraw",
        &[Key::ctrl('l')],
        EVERYWHERE,
        None,
        "Paint the whole screen again.",
    ),
    action(
        ActionId::Suspend,
        "suspend",
        &[Key::ctrl('z')],
        EVERYWHERE,
        None,
        "Stop until the shell's `fg`.",
    ),
    action(
        ActionId::QuitNow,
        "quit-now",
        &[Key::ctrl('c')],
        EVERYWHERE,
        None,
        "Leave the explorer at once.",
    ),
];

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

/// The action that `key` starts in `context`.
#[must_use]
pub(super) fn resolve(context: Context, key: Key) -> Option<ActionId> {
    in_context(context)
        .find(|action| action.keys.contains(&key))
        .map(|action| action.id)
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
        for action in ACTIONS {
            for context in action.contexts {
                for key in action.keys {
                    assert_eq!(resolve(*context, *key), Some(action.id));
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
