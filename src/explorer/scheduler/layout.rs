//! Where things are in the Scheduler pane: a pure function of its area and of how much there is to show.

use ratatui::layout::Rect;

/// How many lines there would be to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Lanes, and what stands between them.
    pub(super) lanes: usize,
    /// How many of these lines may be made of several rows.
    pub(super) tall: usize,
    /// Series.
    pub(super) series: usize,
    /// Whether lanes are those of tasks, whose names need more room.
    pub(super) tasks: bool,
}

/// The parts of the pane, from top to bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The times at both ends, and the cursor's.
    pub(super) head: Rect,
    /// Round times, and the cursor's place among them.
    pub(super) ticks: Rect,
    pub(super) lanes: Rect,
    /// Rows of a lane of a worker.
    pub(super) tall: u16,
    pub(super) series: Rect,
    /// What the glyphs mean.
    pub(super) legend: Rect,
    /// What the selected lane did at the cursor.
    pub(super) detail: Rect,
    /// Cells in front of a lane, for its name.
    pub(super) label: u16,
    /// Cells of time.
    pub(super) cells: usize,
    /// Cells behind a lane, for what it does at the cursor.
    pub(super) side: u16,
}

/// Lines of detail that say all that there is to say about a cursor.
const DETAIL: u16 = 13;
/// The most rows of a lane.
const TALLEST: u16 = 4;

impl Layout {
    pub(super) fn new(area: Rect, wanted: Wanted) -> Self {
        let label = if wanted.tasks {
            (area.width / 5).clamp(10, 26)
        } else {
            8
        };
        let side = match area.width {
            ..64 => 0,
            width => (width / 4).clamp(18, 34),
        };
        let cells = area.width.saturating_sub(label + side + 1).max(1);

        let head = u16::from(area.height >= 10);
        let ticks = u16::from(area.height >= 5);
        let legend = u16::from(area.height >= 14);
        let rest = area.height.saturating_sub(head + ticks + legend);
        // A line or two of detail are worth more than the last lane, and the lanes more than the last series.
        let detail = match rest {
            ..4 => 0,
            4..8 => 1,
            8..14 => 3,
            _ => 5,
        };
        let short = |len: usize| u16::try_from(len).unwrap_or(u16::MAX);
        let series = short(wanted.series).min(if rest >= 8 { rest / 5 } else { 0 });
        let lanes = short(wanted.lanes)
            .min(rest - detail - series)
            .max(u16::from(area.height > 0));
        let spare = rest.saturating_sub(lanes + detail + series);
        let series = series + spare.min(short(wanted.series) - series).min(3);
        let detail = rest.saturating_sub(lanes + series);
        // Where all lanes are shown and room is left, they show more of how busy they were.
        let tall = match short(wanted.tall) {
            0 => 1,
            _ if usize::from(lanes) < wanted.lanes => 1,
            lanes => 1 + (detail.saturating_sub(DETAIL) / lanes).min(TALLEST - 1),
        };
        let more = short(wanted.tall).saturating_mul(tall - 1);
        let (lanes, detail) = (lanes + more, detail - more);

        let mut y = area.y;
        let mut take = |height: u16| {
            let height = height.min(area.bottom().saturating_sub(y));
            let rect = Rect { y, height, ..area };
            y += height;
            rect
        };
        Self {
            head: take(head),
            ticks: take(ticks),
            lanes: take(lanes),
            tall,
            series: take(series),
            legend: take(legend),
            detail: take(detail),
            label,
            cells: usize::from(cells),
            side,
        }
    }

    /// The cells of time of one of the parts.
    pub(super) fn timeline(self, part: Rect) -> Rect {
        Rect {
            x: part.x.saturating_add(self.label),
            width: self.cells as u16,
            ..part
        }
        .intersection(part)
    }

    /// What is behind the cells of time of one of the parts; one blank lies between.
    pub(super) fn behind(self, part: Rect) -> Rect {
        Rect {
            x: part.right().saturating_sub(self.side),
            width: self.side,
            ..part
        }
        .intersection(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overlaps_or_leaves_the_area() {
        for width in [0, 1, 20, 40, 63, 64, 80, 120, 200] {
            for height in 0..70 {
                for (lanes, series, tasks) in
                    [(0, 0, false), (3, 4, false), (70, 9, false), (500, 0, true)]
                {
                    let area = Rect::new(3, 2, width, height);
                    let wanted = Wanted {
                        lanes,
                        tall: lanes * 2 / 3,
                        series,
                        tasks,
                    };
                    let layout = Layout::new(area, wanted);
                    let parts = [
                        layout.head,
                        layout.ticks,
                        layout.lanes,
                        layout.series,
                        layout.legend,
                        layout.detail,
                    ];
                    let mut y = area.y;
                    for part in parts {
                        assert_eq!(part.y, y);
                        y += part.height;
                        assert_eq!(part.intersection(area), part);
                        let (timeline, behind) = (layout.timeline(part), layout.behind(part));
                        assert!(timeline.intersection(behind).is_empty());
                    }
                    assert!(y <= area.bottom());
                    assert!(height == 0 || layout.lanes.height > 0);
                }
            }
        }
    }

    #[test]
    fn a_usual_window_shows_lanes_series_and_details() {
        let wanted = Wanted {
            lanes: 3,
            tall: 2,
            series: 4,
            tasks: false,
        };
        let layout = Layout::new(Rect::new(0, 3, 80, 18), wanted);
        assert_eq!((layout.lanes.height, layout.series.height), (3, 4));
        assert!(layout.detail.height >= 8 && layout.cells >= 50);
        assert_eq!(layout.tall, 1);
        let layout = Layout::new(Rect::new(0, 3, 120, 34), wanted);
        assert_eq!((layout.tall, layout.lanes.height), (4, 9));
    }
}
