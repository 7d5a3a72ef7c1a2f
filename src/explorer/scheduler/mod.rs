//! The Scheduler pane: what the workers did over time.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    actions::ActionId,
    text::Pen,
    theme::{Role, Theme},
    view::View,
};

/// What a step back restores of this pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot;

/// What is kept for drawing.
#[derive(Debug, Default)]
pub(super) struct State;

/// Makes the selection valid and the cache agree with the place.
pub(super) fn settle(_view: &mut View) {}

/// What this pane makes of `action`; whether it has a use of its own for it.
pub(super) fn act(_view: &mut View, _action: ActionId) -> bool {
    false
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, theme: Theme, _view: &View) {
    Pen::new(buffer, area, 0)
        .skip(1)
        .fit("What the workers did over time.", theme.style(Role::Dim));
}

/// What a click at `column` and `row` of the screen does.
pub(super) fn click(_view: &mut View, _area: Rect, _column: u16, _row: u16) {}
