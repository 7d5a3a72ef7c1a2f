//! Series below the lanes: how many tasks were runnable, alive, queued, woken; and whatever else was recorded.

use ratatui::buffer::Buffer;

use super::layout::Layout;
use crate::explorer::{facts::Opened, theme::Theme, view::View};

/// What is kept of the series for drawing.
#[derive(Debug, Default)]
pub(super) struct Cache;

/// How many series there are.
pub(super) fn wanted(_opened: &Opened) -> usize {
    0
}

pub(super) fn settle(_view: &mut View, _layout: Layout) {}

pub(super) fn draw(_buffer: &mut Buffer, _layout: Layout, _theme: Theme, _view: &View) {}
