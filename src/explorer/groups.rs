//! What actions are for: the parts of the help and of the manual.

use super::{
    action_table::{ENTRIES, EVERYWHERE, LISTS, PANES},
    actions::{ACTIONS, Action, ActionId, Context},
};

/// What an action is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// What only this pane, or a few, can do.
    Here,
    Jumps,
    Time,
    Search,
    Lines,
    Panes,
    Program,
    Typing,
}

/// Every group with its title, in the order in which the help tells them.
pub(super) const GROUPS: [(Group, &str); 8] = [
    (Group::Here, "In this pane"),
    (Group::Jumps, "Jumps along the recording"),
    (Group::Time, "Time"),
    (Group::Search, "Finding tasks"),
    (Group::Lines, "Lines"),
    (Group::Panes, "Panes"),
    (Group::Program, "The program"),
    (Group::Typing, "While something is typed"),
];

/// The group of an action.
pub(super) fn of(action: &Action) -> Group {
    use ActionId as Id;
    match action.id {
        Id::WhoWoke
        | Id::Parent
        | Id::NextFinding
        | Id::PreviousFinding
        | Id::NextSlow
        | Id::PreviousSlow
        | Id::Longest
        | Id::Back
        | Id::Forward => Group::Jumps,
        Id::CursorLeft
        | Id::CursorRight
        | Id::CursorFarLeft
        | Id::CursorFarRight
        | Id::CursorStart
        | Id::CursorEnd
        | Id::Mark
        | Id::StepNext
        | Id::StepPrevious
        | Id::AnyNext
        | Id::AnyPrevious
        | Id::StepKind
        | Id::GoToTime
        | Id::Play
        | Id::Faster
        | Id::Slower
        | Id::ZoomIn
        | Id::ZoomOut
        | Id::ZoomAll => Group::Time,
        Id::Find | Id::Filter => Group::Search,
        Id::FindingsPane
        | Id::TasksPane
        | Id::TaskPane
        | Id::WakersPane
        | Id::SchedulerPane
        | Id::ResourcesPane
        | Id::CausesPane
        | Id::NextPane
        | Id::PreviousPane
        | Id::Leave => Group::Panes,
        _ if action.contexts == LISTS => Group::Lines,
        _ if action
            .contexts
            .iter()
            .all(|context| ENTRIES.contains(context)) =>
        {
            Group::Typing
        }
        _ if action.contexts == PANES || action.contexts == EVERYWHERE => Group::Program,
        _ if action
            .contexts
            .iter()
            .all(|context| PANES.contains(context)) =>
        {
            Group::Here
        }
        _ => Group::Program,
    }
}

/// The actions of a group that apply in one of `contexts`; all of them where none is given.
pub(super) fn actions(group: Group, contexts: &[Context]) -> impl Iterator<Item = &'static Action> {
    ACTIONS.iter().filter(move |action| {
        let applies = |context: &Context| action.contexts.contains(context);
        of(action) == group && (contexts.is_empty() || contexts.iter().any(applies))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_place_in_the_help() {
        let told: usize = GROUPS
            .iter()
            .map(|(group, _)| actions(*group, &[]).count())
            .sum();
        assert_eq!(told, ACTIONS.len());
        for (group, title) in GROUPS {
            assert!(actions(group, &[]).next().is_some(), "{title}");
        }
    }
}
