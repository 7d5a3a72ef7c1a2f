//! The neighbourhood of a task as a picture: a column for each layer, lines between neighbouring columns. Links within
//! a layer, or over more than one, close cycles: they are told with the selected node instead of drawn.

use std::collections::BTreeMap;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{fitted, kin, lines::Canvas};
use crate::{
    analysis::{
        graph::{Link, Neighbourhood, Who},
        label,
    },
    explorer::{
        actions::ActionId,
        text::{Pen, count, place, width},
        theme::{Role, Theme},
        view::View,
        wording,
    },
    recording::{Recording, TaskIx, Waker},
};

/// Where everything stands, relative to the body of the pane.
#[derive(Debug, Default)]
pub(super) struct Picture {
    columns: Vec<Column>,
    channels: Vec<Channel>,
    hidden: usize,
}

/// The nodes of one layer, from top to bottom.
#[derive(Debug)]
struct Column {
    x: usize,
    cells: usize,
    nodes: Vec<Seat>,
}

/// A node and its row.
#[derive(Clone, Copy, Debug)]
struct Seat {
    node: usize,
    y: usize,
}

/// The links between a column and the next.
#[derive(Debug, Default)]
struct Channel {
    /// Each with the rows of its ends and the track along which it goes up or down.
    links: Vec<(Link, usize, usize, usize)>,
    tracks: usize,
}

/// The narrowest column that still tells something.
const NARROWEST: usize = 11;
/// The widest that is needed.
const WIDEST: usize = 30;
/// Cells of a channel beside its tracks: a blank and an end on each side.
const CHANNEL: usize = 4;
/// Cells in front of the first column.
const MARGIN: usize = 1;

impl Picture {
    /// Nodes that found no room on the screen.
    pub(super) fn hidden(&self) -> usize {
        self.hidden
    }

    fn new(recording: &Recording, all: &Neighbourhood, body: Rect) -> Self {
        let (width, height) = (usize::from(body.width), usize::from(body.height));
        let mut layers: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
        for (number, node) in all.nodes.iter().enumerate() {
            layers.entry(node.layer).or_default().push(number);
        }
        loop {
            let picture = Self::arranged(recording, all, &layers, width, height);
            let too_narrow = picture
                .columns
                .iter()
                .any(|column| column.cells < NARROWEST);
            // What is farthest away is least worth its room.
            let farthest = layers.keys().copied().max_by_key(|layer| layer.abs());
            match farthest.filter(|layer| too_narrow && *layer != 0) {
                Some(layer) => layers.remove(&layer),
                None => return picture,
            };
        }
    }

    fn arranged(
        recording: &Recording,
        all: &Neighbourhood,
        layers: &BTreeMap<i32, Vec<usize>>,
        cells: usize,
        height: usize,
    ) -> Self {
        let rows = rows(all, layers, height);
        let mut picture = Self::default();
        for nodes in layers.values() {
            let mut seats: Vec<Seat> = nodes
                .iter()
                .filter_map(|node| {
                    Some(Seat {
                        node: *node,
                        y: (*rows.get(node)?)?,
                    })
                })
                .collect();
            seats.sort_by_key(|seat| seat.y);
            picture.columns.push(Column {
                x: 0,
                cells: 0,
                nodes: seats,
            });
        }
        picture.hidden = all.nodes.len() - rows.values().flatten().count();
        let order: Vec<i32> = layers.keys().copied().collect();
        for pair in order.windows(2) {
            picture.channels.push(channel(all, &rows, pair[0], pair[1]));
        }
        let natural: Vec<usize> = picture
            .columns
            .iter()
            .map(|column| {
                let labels = column.nodes.iter().map(|seat| {
                    let (name, figure) = label_of(recording, all, seat.node);
                    width(&name) + width(&figure)
                });
                labels.max().unwrap_or(0).min(WIDEST)
            })
            .collect();
        let channels: usize = picture
            .channels
            .iter()
            .map(|channel| channel.tracks + CHANNEL)
            .sum();
        let room = cells.saturating_sub(MARGIN + channels);
        let cells = shared(&natural, room);
        let mut x = MARGIN;
        for (number, column) in picture.columns.iter_mut().enumerate() {
            // A column that has all that it wants is not too narrow.
            column.cells = cells[number];
            if cells[number] == natural[number] {
                column.cells = column.cells.max(NARROWEST);
            }
            column.x = x;
            x += cells[number];
            if let Some(channel) = picture.channels.get(number) {
                x += channel.tracks + CHANNEL;
            }
        }
        picture
    }

    fn seat(&self, node: usize) -> Option<(&Column, Seat)> {
        self.columns.iter().find_map(|column| {
            let seat = column.nodes.iter().find(|seat| seat.node == node)?;
            Some((column, *seat))
        })
    }
}

/// `room` cells shared by columns that want so many each.
fn shared(wanted: &[usize], room: usize) -> Vec<usize> {
    let mut cells = vec![0; wanted.len()];
    let mut left = room;
    // One cell for each in turn: none starves while another has more than its share.
    while left > 0 {
        let mut given = false;
        for (cells, wanted) in cells.iter_mut().zip(wanted) {
            if *cells < *wanted && left > 0 {
                *cells += 1;
                left -= 1;
                given = true;
            }
        }
        if !given {
            break;
        }
    }
    cells
}

/// The row of each node; `None` where the column is full.
fn rows(
    all: &Neighbourhood,
    layers: &BTreeMap<i32, Vec<usize>>,
    height: usize,
) -> BTreeMap<usize, Option<usize>> {
    let mut rows: BTreeMap<usize, Option<usize>> = BTreeMap::new();
    let mut outwards: Vec<i32> = layers.keys().copied().collect();
    outwards.sort_by_key(|layer| (layer.abs(), *layer));
    for layer in outwards {
        let inner = layer - layer.signum();
        let weight = |node: usize| -> usize {
            let links = all
                .links
                .iter()
                .filter(|link| link.from == node || link.to == node);
            links.map(|link| link.count + link.back).sum()
        };
        // Beside those that they are linked with, so that few lines cross.
        let centre = |node: usize| -> usize {
            let ends = all.links.iter().filter_map(|link| match node {
                node if node == link.from => Some(link.to),
                node if node == link.to => Some(link.from),
                _ => None,
            });
            let near = ends.filter(|end| all.nodes[*end].layer == inner);
            let near: Vec<usize> = near.filter_map(|end| rows.get(&end).copied()?).collect();
            near.iter().sum::<usize>() * 16 / near.len().max(1)
        };
        let mut nodes = layers[&layer].clone();
        nodes.sort_by_key(|node| std::cmp::Reverse(weight(*node)));
        let full = nodes.split_off(nodes.len().min(height));
        let mut placed: Vec<(usize, usize)> =
            nodes.iter().map(|node| (centre(*node), *node)).collect();
        placed.sort_by_key(|(centre, _)| *centre);
        let gap = if placed.len() * 2 <= height + 1 { 2 } else { 1 };
        let taken = placed.len().saturating_sub(1) * gap + 1;
        let top = height.saturating_sub(taken) / 2;
        for (number, (_, node)) in placed.into_iter().enumerate() {
            rows.insert(node, Some(top + number * gap));
        }
        rows.extend(full.into_iter().map(|node| (node, None)));
    }
    rows
}

/// The links between two layers, each with a track of its own for every node on the inner side.
fn channel(
    all: &Neighbourhood,
    rows: &BTreeMap<usize, Option<usize>>,
    left: i32,
    right: i32,
) -> Channel {
    let mut channel = Channel::default();
    if right != left + 1 {
        return channel;
    }
    let mut tracks: BTreeMap<usize, usize> = BTreeMap::new();
    for link in &all.links {
        // Those that lead from right to left close a cycle, and have their arrow at the other end.
        let (a, b) = if all.nodes[link.from].layer <= all.nodes[link.to].layer {
            (link.from, link.to)
        } else {
            (link.to, link.from)
        };
        if (all.nodes[a].layer, all.nodes[b].layer) != (left, right) {
            continue;
        }
        let (Some(Some(from)), Some(Some(to))) = (rows.get(&a), rows.get(&b)) else {
            continue;
        };
        let inner = if right <= 0 { b } else { a };
        let next = tracks.len();
        let track = *tracks.entry(inner).or_insert(next);
        channel.links.push((*link, *from, *to, track));
    }
    channel.tracks = tracks.len();
    channel
}

/// A node's name, and how often the link that ties it to the middle was used most.
fn label_of(recording: &Recording, all: &Neighbourhood, node: usize) -> (String, String) {
    let row = all.nodes[node];
    let name = match row.who {
        Who::Task(task) => wording::task(recording, task),
        Who::Tasks { count, most } => kin(recording, most, count),
        Who::Runtime => "runtime".to_owned(),
        Who::Blocking(thread) => label::waker(recording, Waker::Blocking(thread)),
        Who::Outside(thread) => label::waker(recording, Waker::Outside(thread)),
        Who::Unknown => label::waker(recording, Waker::Unknown),
    };
    let inner = row.layer - row.layer.signum();
    let most = all
        .links
        .iter()
        .filter(|link| {
            (link.from == node && all.nodes[link.to].layer == inner)
                || (link.to == node && all.nodes[link.from].layer == inner)
        })
        .map(|link| link.count.max(link.back))
        .max();
    let figure = match most {
        Some(most) if row.layer != 0 => format!(" {}×", count(most as u64)),
        _ => String::new(),
    };
    (name, figure)
}

/// The task that a node stands for, if it does for one.
pub(super) fn task_of(view: &View, node: usize) -> Option<TaskIx> {
    match view.wakers.neighbourhood.as_ref()?.nodes.get(node)?.who {
        Who::Task(task) | Who::Tasks { most: task, .. } => Some(task),
        _ => None,
    }
}

pub(super) fn settle(view: &mut View, body: Option<Rect>) {
    let (Some(all), Some(body)) = (&view.wakers.neighbourhood, body) else {
        return;
    };
    view.wakers.picture = Picture::new(&view.opened.recording, all, body);
    let spot = &mut view.place.wakers;
    spot.wakees = false;
    spot.top = 0;
    if view.wakers.picture.seat(spot.row).is_none() {
        spot.row = 0;
    }
}

/// Goes up or down within the column.
pub(super) fn step(view: &mut View, by: isize) {
    let spot = &mut view.place.wakers;
    let Some((column, seat)) = view.wakers.picture.seat(spot.row) else {
        return;
    };
    let here = column
        .nodes
        .iter()
        .position(|other| other.node == seat.node);
    let there = here
        .unwrap_or(0)
        .saturating_add_signed(by)
        .min(column.nodes.len() - 1);
    spot.row = column.nodes[there].node;
}

/// Goes to the nearest node of the next column.
pub(super) fn side(view: &mut View, right: bool) {
    let spot = &mut view.place.wakers;
    let picture = &view.wakers.picture;
    let Some((column, seat)) = picture.seat(spot.row) else {
        return;
    };
    let beside = picture
        .columns
        .iter()
        .filter(|other| !other.nodes.is_empty());
    let next = if right {
        beside
            .filter(|other| other.x > column.x)
            .min_by_key(|other| other.x)
    } else {
        beside
            .filter(|other| other.x < column.x)
            .max_by_key(|other| other.x)
    };
    let nearest = next.and_then(|next| {
        next.nodes
            .iter()
            .min_by_key(|other| other.y.abs_diff(seat.y))
    });
    if let Some(nearest) = nearest {
        spot.row = nearest.node;
    }
}

/// The node that stands at a cell of the screen.
pub(super) fn hit(view: &View, body: Rect, column: u16, row: u16) -> Option<usize> {
    let x = usize::from(column.checked_sub(body.x)?);
    let y = usize::from(row.checked_sub(body.y)?);
    let columns = view.wakers.picture.columns.iter();
    let hit = columns.filter(|column| (column.x..column.x + column.cells).contains(&x));
    hit.flat_map(|column| &column.nodes)
        .find(|seat| seat.y == y)
        .map(|seat| seat.node)
}

pub(super) fn draw(buffer: &mut Buffer, body: Rect, theme: Theme, view: &View) {
    let Some(all) = &view.wakers.neighbourhood else {
        return;
    };
    let recording = &view.opened.recording;
    let chosen = view.place.wakers.row;
    let picture = &view.wakers.picture;
    let mut canvas = Canvas::new(body, 0);
    for (number, channel) in picture.channels.iter().enumerate() {
        let (left, right) = (&picture.columns[number], &picture.columns[number + 1]);
        let from = left.x + left.cells.min(right.x) + 1;
        let end = right.x.saturating_sub(1);
        // Lines of what is selected come last, and stand out.
        let concerns = |link: &Link| link.from == chosen || link.to == chosen;
        let mut links: Vec<_> = channel.links.iter().collect();
        links.sort_by_key(|(link, ..)| concerns(link));
        for (link, a, b, track) in links {
            let strong = concerns(link);
            let track = end.saturating_sub(channel.tracks + 1) + track;
            canvas.way(from..end, track, *a, *b, strong);
            let forward = all.nodes[link.from].layer < all.nodes[link.to].layer;
            if forward || link.back > 0 {
                canvas.arrow(end - 1, *b, '▶', strong);
            }
            if !forward || link.back > 0 {
                canvas.arrow(from, *a, '◀', strong);
            }
        }
    }
    canvas.draw(buffer, theme);
    for column in &picture.columns {
        for seat in &column.nodes {
            let (name, figure) = label_of(recording, all, seat.node);
            let selected = seat.node == chosen;
            let role = match all.nodes[seat.node].who {
                _ if selected => Role::Selected,
                _ if seat.node == 0 => Role::Strong,
                Who::Task(_) | Who::Tasks { .. } => Role::Plain,
                _ => Role::Info,
            };
            let cells = column.cells;
            let name = fitted(&name, cells.saturating_sub(width(&figure)));
            let Ok(row) = u16::try_from(seat.y) else {
                continue;
            };
            Pen::new(buffer, body, row)
                .skip(column.x)
                .put(&name, theme.style(role))
                .put(&figure, theme.style(role));
        }
    }
}

/// Who a node is, who wakes it, and whom it wakes.
pub(super) fn about(view: &View, node: usize) -> Vec<String> {
    let recording = &view.opened.recording;
    let Some(all) = &view.wakers.neighbourhood else {
        return Vec::new();
    };
    let (name, _) = label_of(recording, all, node);
    let mut wakers = Vec::new();
    let mut wakees = Vec::new();
    for link in &all.links {
        let mut add = |from: usize, to: usize, times: usize| {
            let times_of = |other: usize| {
                format!(
                    "{} {}×",
                    label_of(recording, all, other).0,
                    count(times as u64)
                )
            };
            if times > 0 && to == node {
                wakers.push(times_of(from));
            } else if times > 0 && from == node {
                wakees.push(times_of(to));
            }
        };
        add(link.from, link.to, link.count);
        add(link.to, link.from, link.back);
    }
    let list = |names: &[String]| {
        if names.is_empty() {
            "nobody here".to_owned()
        } else {
            names.join(", ")
        }
    };
    let task = match all.nodes[node].who {
        Who::Task(task) | Who::Tasks { most: task, .. } => Some(task),
        _ => None,
    };
    let mut second = match (&*wakees, task) {
        ([], None) => String::new(),
        (wakees, _) => format!("wakes {}", list(wakees)),
    };
    if let Some(location) = task.and_then(|task| recording.location(task)) {
        second.push_str(&format!("; {}", place(location)));
    }
    if task.is_some() && node != 0 {
        second.push_str(&format!(
            "  ({} makes it the middle)",
            view.key(ActionId::Open)
        ));
    }
    if task.is_none() && wakers.is_empty() {
        return vec![name, second];
    }
    vec![format!("{name}: woken by {}", list(&wakers)), second]
}
