//! The whole frame: the application as it is, drawn. Nothing here changes anything but the buffer.

use ratatui::{buffer::Buffer, layout::Rect};

use super::App;
use crate::explorer::{
    actions::Context,
    ascii, causes, findings, frame, layout, life,
    overlay::{self, Overlay},
    place::Pane,
    resources, scheduler, tasks,
    text::{Pen, keep_start, width},
    theme::Role,
    view::View,
    wakers,
};

impl App {
    /// Draws the whole frame. It changes nothing but the buffer.
    pub(in crate::explorer) fn draw(&self, buffer: &mut Buffer) {
        match layout::frame(self.size) {
            Some(frame) => self.draw_frame(buffer, &frame),
            None => self.draw_too_small(buffer),
        }
        if self.ascii {
            ascii::apply(buffer);
        }
    }

    fn draw_frame(&self, buffer: &mut Buffer, frame: &layout::Frame) {
        let theme = self.theme;
        for rule in frame.rules {
            frame::rule(buffer, rule, theme);
        }
        let Some(view) = &self.view else {
            Pen::new(buffer, frame.header, 0)
                .skip(1)
                .fit(&self.title, theme.style(Role::Strong));
            frame::bar(buffer, frame.bar, theme, &self.keymap, None);
            let text = if self.loading.indexing {
                "sorting and indexing"
            } else {
                "reading"
            };
            Pen::new(buffer, frame.pane, 0)
                .skip(1)
                .put(text, theme.style(Role::Dim));
            frame::gauge(
                buffer,
                frame.strip,
                theme,
                &self.keymap,
                self.loading.done,
                self.loading.events,
            );
            frame::keys(buffer, frame.keys, theme, &self.keymap, Context::Loading);
            return;
        };
        frame::header(buffer, frame.header, theme, &view.opened);
        frame::bar(
            buffer,
            frame.bar,
            theme,
            &self.keymap,
            Some(view.place.pane),
        );
        let (main, companion) = layout::with_companion(frame.pane, view.place.pane);
        self.draw_pane(buffer, main, view);
        if let Some(companion) = companion {
            life::draw_beside(buffer, main, companion, theme, view);
        }
        frame::strip(buffer, frame, theme, view);
        match &self.overlay {
            Some(Overlay::Find { .. }) => {
                overlay::draw_find(
                    buffer,
                    frame.keys,
                    theme,
                    &self.keymap,
                    &view.table.wish.find,
                );
            }
            Some(Overlay::Filter(line)) => line.draw(buffer, frame, theme, view),
            Some(Overlay::Time { typed, problem }) => {
                let problem = problem.as_deref();
                overlay::draw_time(buffer, frame.keys, theme, &self.keymap, typed, problem);
            }
            Some(Overlay::Kinds(selected)) => {
                overlay::draw_kinds(buffer, frame.pane, theme, *selected);
                frame::keys(buffer, frame.keys, theme, &self.keymap, Context::Kinds);
            }
            Some(Overlay::Palette(palette)) => {
                palette.draw(buffer, frame.pane, theme, &self.keymap);
                frame::keys(buffer, frame.keys, theme, &self.keymap, Context::Palette);
            }
            Some(Overlay::Sheet { sheet, top }) => {
                sheet.draw(
                    buffer,
                    frame.pane,
                    theme,
                    (&view.opened, &self.keymap),
                    *top,
                );
                frame::keys(buffer, frame.keys, theme, &self.keymap, Context::Sheet);
            }
            None => {
                frame::keys(buffer, frame.keys, theme, &self.keymap, self.context());
                if let Some(note) = view.playing().as_ref().or(view.note.as_ref()) {
                    frame::note(buffer, frame, theme, note);
                }
            }
        }
    }

    /// Draws what the pane shows.
    pub(in crate::explorer) fn draw_pane(&self, buffer: &mut Buffer, area: Rect, view: &View) {
        let theme = self.theme;
        match view.place.pane {
            Pane::Findings => findings::draw(buffer, area, theme, view),
            Pane::Tasks => tasks::draw(buffer, area, theme, view),
            Pane::Task => life::draw(buffer, area, theme, view),
            Pane::Wakers => wakers::draw(buffer, area, theme, view),
            Pane::Scheduler => scheduler::draw(buffer, area, theme, view),
            Pane::Resources => resources::draw(buffer, area, theme, view),
            Pane::Causes => causes::draw(buffer, area, theme, view),
        }
    }

    fn draw_too_small(&self, buffer: &mut Buffer) {
        let smallest = layout::SMALLEST;
        let lines = [
            "window too small".to_owned(),
            format!("need {}x{}", smallest.width, smallest.height),
            format!("have {}x{}", self.size.width, self.size.height),
        ];
        let area = *buffer.area();
        for (row, line) in lines.iter().enumerate().take(usize::from(area.height)) {
            let line = keep_start(line, usize::from(area.width));
            let left = usize::from(area.width).saturating_sub(width(&line)) / 2;
            Pen::new(buffer, area, row as u16)
                .skip(left)
                .put(&line, self.theme.style(Role::Strong));
        }
    }
}
