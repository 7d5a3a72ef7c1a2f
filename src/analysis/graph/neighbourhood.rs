//! The neighbourhood of a task in layers: who wakes it, who wakes those, and on the other side whom it wakes. Tasks
//! that share a name and a spawn location are one node; two that wake each other are one link.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    ops::RangeInclusive,
};

use super::{Edge, Fold, limited};
use crate::recording::{Ns, Recording, StrId, TaskIx, ThreadIx, Waker};

/// The most nodes of a neighbourhood.
pub const MOST_NODES: usize = 20;
/// The most links of a neighbourhood.
pub const MOST_LINKS: usize = 40;
/// The most layers on each side.
const MOST_LAYERS: i32 = 4;
/// The wakes that are counted of each task in each direction.
const COUNTED: usize = 1 << 13;
/// The tasks of a folded node whose wakes are counted.
const MEMBERS: usize = 4;

/// A task and those about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbourhood {
    /// The nodes; the first is the task itself.
    pub nodes: Vec<Node>,
    /// Who wakes whom, the most frequent first.
    pub links: Vec<Link>,
    /// Nodes that found no room.
    pub more_nodes: usize,
    /// Links that found no room.
    pub more_links: usize,
    /// Whether some wakes were too many to count them all.
    pub sampled: bool,
}

/// A node of a neighbourhood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it stands for.
    pub who: Who,
    /// How far it is: negative on the wakers' side, positive on the wakees', 0 for the task itself.
    pub layer: i32,
}

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// One task.
    Task(TaskIx),
    /// Several tasks of one name and one spawn location.
    Tasks {
        /// How many of them there are in the neighbourhood.
        count: usize,
        /// The one that wakes, or is woken, most.
        most: TaskIx,
    },
    /// A runtime outside every poll.
    Runtime,
    /// A job of the blocking pool on this thread.
    Blocking(ThreadIx),
    /// A thread that belongs to no runtime.
    Outside(ThreadIx),
    /// Somebody who was not recorded.
    Unknown,
}

/// Wakes between two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The number of the node that wakes.
    pub from: usize,
    /// The number of the node that is woken.
    pub to: usize,
    /// How often, at least.
    pub count: usize,
    /// How often the other way round: then they form a cycle, which is drawn as one link.
    pub back: usize,
}

/// What makes two wakers one node: tasks of one name and location are, unless they have neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Focus,
    Task(TaskIx),
    Kin(StrId, StrId),
    /// Whoever is no task stands in each layer for itself.
    Other(Waker, i32),
}

/// A node while it is filled.
struct Gathering {
    layer: i32,
    waker: Waker,
    members: Vec<TaskIx>,
    seen: HashSet<TaskIx>,
}

/// How often one node wakes another, as counted at each end.
#[derive(Clone, Copy, Default)]
struct Tally {
    by_waker: usize,
    by_woken: usize,
}

struct Gather<'a> {
    recording: &'a Recording,
    focus: TaskIx,
    numbers: HashMap<Key, usize>,
    nodes: Vec<Gathering>,
    tallies: HashMap<(usize, usize), Tally>,
    left_out: HashSet<Key>,
    left_links: HashSet<(Key, Key)>,
    queue: VecDeque<usize>,
    sampled: bool,
}

/// The neighbourhood of `focus` by the wakes in `range`: breadth first, away from it on both sides.
#[must_use]
pub fn neighbourhood(
    recording: &Recording,
    focus: TaskIx,
    range: &RangeInclusive<Ns>,
) -> Neighbourhood {
    let mut gather = Gather {
        recording,
        focus,
        numbers: HashMap::new(),
        nodes: Vec::new(),
        tallies: HashMap::new(),
        left_out: HashSet::new(),
        left_links: HashSet::new(),
        queue: VecDeque::new(),
        sampled: false,
    };
    gather.node(Waker::Task(focus), 0);
    while let Some(number) = gather.queue.pop_front() {
        gather.expand(number, range);
    }
    gather.finish()
}

impl Gather<'_> {
    fn key(&self, waker: Waker, layer: i32) -> Key {
        let Waker::Task(task) = waker else {
            return Key::Other(waker, layer);
        };
        let facts = self.recording.task(task);
        if task == self.focus {
            Key::Focus
        } else if facts.location.is_some() || facts.name.is_some() {
            Key::Kin(facts.name, facts.location)
        } else {
            Key::Task(task)
        }
    }

    /// The node of `waker`, made in `layer` where there is none yet and there is room.
    fn node(&mut self, waker: Waker, layer: i32) -> Option<usize> {
        let key = self.key(waker, layer);
        let number = match self.numbers.get(&key) {
            Some(number) => *number,
            None if self.nodes.len() >= MOST_NODES || layer.abs() > MOST_LAYERS => {
                self.left_out.insert(key);
                return None;
            }
            None => {
                let number = self.nodes.len();
                self.nodes.push(Gathering {
                    layer,
                    waker,
                    members: Vec::new(),
                    seen: HashSet::new(),
                });
                self.numbers.insert(key, number);
                self.queue.push_back(number);
                number
            }
        };
        if let Waker::Task(task) = waker
            && self.nodes[number].seen.insert(task)
        {
            self.nodes[number].members.push(task);
        }
        Some(number)
    }

    /// Adds the wakers of a node on the wakers' side, and the wakees of one on the other.
    fn expand(&mut self, number: usize, range: &RangeInclusive<Ns>) {
        let layer = self.nodes[number].layer;
        let members = &self.nodes[number].members;
        let members: Vec<TaskIx> = members.iter().take(MEMBERS).copied().collect();
        for member in members {
            let ego = limited(self.recording, member, range, Fold::No, COUNTED);
            self.sampled |= ego.woken.counted < ego.woken.of || ego.woke.counted < ego.woke.of;
            let count_of = |edges: &[Edge]| -> HashMap<Waker, usize> {
                edges.iter().map(|edge| (edge.node, edge.count)).collect()
            };
            // Whoever does both stands on the side on which it does more.
            if layer <= 0 {
                let back = count_of(&ego.wakees);
                let more = |edge: &&Edge| back.get(&edge.node).is_none_or(|n| *n <= edge.count);
                for edge in ego.wakers.iter().filter(|edge| layer < 0 || more(edge)) {
                    self.reach(member, edge.node, layer - 1);
                }
            }
            if layer >= 0 {
                let back = count_of(&ego.wakers);
                let more = |edge: &&Edge| back.get(&edge.node).is_none_or(|n| *n < edge.count);
                for edge in ego.wakees.iter().filter(|edge| layer > 0 || more(edge)) {
                    self.reach(member, edge.node, layer + 1);
                }
            }
            // What leads back is a link, too, where both ends are there.
            for edge in &ego.wakees {
                self.link(Waker::Task(member), edge.node, layer, edge.count, true);
            }
            for edge in &ego.wakers {
                self.link(edge.node, Waker::Task(member), layer, edge.count, false);
            }
        }
    }

    /// Makes room for `other`, or takes note that there is none.
    fn reach(&mut self, member: TaskIx, other: Waker, layer: i32) {
        let member = Waker::Task(member);
        if other != member && self.node(other, layer).is_none() {
            let ends = (self.key(member, layer), self.key(other, layer));
            self.left_links.insert(ends);
        }
    }

    /// Counts the wakes between two nodes, as one of its ends saw them.
    fn link(&mut self, from: Waker, to: Waker, layer: i32, count: usize, by_waker: bool) {
        let from_key = match from {
            Waker::Task(_) => self.key(from, layer),
            // Who is no task stands one layer before whom it wakes.
            _ => self.key(from, layer - 1),
        };
        let to_key = self.key(to, layer);
        let (Some(&from), Some(&to)) = (self.numbers.get(&from_key), self.numbers.get(&to_key))
        else {
            return;
        };
        if from == to {
            return;
        }
        let tally = self.tallies.entry((from, to)).or_default();
        if by_waker {
            tally.by_waker += count;
        } else {
            tally.by_woken += count;
        }
    }

    fn finish(self) -> Neighbourhood {
        let counts: HashMap<(usize, usize), usize> = self
            .tallies
            .iter()
            // Each end sees the same wakes, unless there were too many for one of them.
            .map(|(ends, tally)| (*ends, tally.by_waker.max(tally.by_woken)))
            .collect();
        let layer = |number: usize| self.nodes[number].layer;
        let mut links: Vec<Link> = counts
            .iter()
            .filter_map(|(&(from, to), &count)| {
                let back = counts.get(&(to, from)).copied().unwrap_or(0);
                // Of two that wake each other the one on the left stands first.
                let leads = (layer(from), from) < (layer(to), to);
                (back == 0 || leads).then_some(Link {
                    from,
                    to,
                    count,
                    back,
                })
            })
            .collect();
        links.sort_by_key(|link| {
            (
                std::cmp::Reverse(link.count + link.back),
                link.from,
                link.to,
            )
        });
        let more_links = links.len().saturating_sub(MOST_LINKS) + self.left_links.len();
        links.truncate(MOST_LINKS);
        let nodes = self.nodes.iter().map(|node| Node {
            layer: node.layer,
            who: match (node.waker, node.members.as_slice()) {
                (Waker::Task(_), [one]) => Who::Task(*one),
                (Waker::Task(first), members) => Who::Tasks {
                    count: members.len(),
                    most: members.first().copied().unwrap_or(first),
                },
                (Waker::Runtime, _) => Who::Runtime,
                (Waker::Blocking(thread), _) => Who::Blocking(thread),
                (Waker::Outside(thread), _) => Who::Outside(thread),
                (Waker::Unknown, _) => Who::Unknown,
            },
        });
        Neighbourhood {
            nodes: nodes.collect(),
            links,
            more_nodes: self
                .left_out
                .iter()
                .filter(|key| !self.numbers.contains_key(key))
                .count(),
            more_links,
            sampled: self.sampled,
        }
    }
}
