//! The configurations that are compared.

/// One way of running a tokio service: without a recorder, or with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Config {
    /// tokio as it is: what everything else is measured against.
    Plain,
    /// Every task hook set to a closure that does nothing: the floor for whoever uses hooks.
    EmptyHooks,
    /// Our recorder at level `Hooks`, tasks spawned with `tokio::spawn`.
    Hooks,
    /// Our recorder at level `Wakes`, tasks spawned with `recorder.spawn`.
    Wakes,
    /// Upstream dial9, tasks spawned with `tokio::spawn`.
    Dial9Plain,
    /// Upstream dial9, tasks spawned with `dial9::spawn`.
    Dial9Spawn,
}

impl Config {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] = [
        Self::Plain,
        Self::EmptyHooks,
        Self::Hooks,
        Self::Wakes,
        Self::Dial9Plain,
        Self::Dial9Spawn,
    ];

    /// What the parent calls it towards a child.
    pub fn key(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::EmptyHooks => "empty-hooks",
            Self::Hooks => "hooks",
            Self::Wakes => "wakes",
            Self::Dial9Plain => "dial9-plain",
            Self::Dial9Spawn => "dial9-spawn",
        }
    }

    /// What the table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain tokio",
            Self::EmptyHooks => "empty hooks",
            Self::Hooks => "dial9-recorder, `Hooks`, `tokio::spawn`",
            Self::Wakes => "dial9-recorder, `Wakes`, `recorder.spawn`",
            Self::Dial9Plain => "dial9 0.5.7, `tokio::spawn`",
            Self::Dial9Spawn => "dial9 0.5.7, `dial9::spawn`",
        }
    }

    /// The configuration of the other recorder that sees the same.
    pub fn peer(self) -> Option<Self> {
        match self {
            Self::Hooks => Some(Self::Dial9Plain),
            Self::Wakes => Some(Self::Dial9Spawn),
            _ => None,
        }
    }

    /// The configuration of this key.
    pub fn named(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|config| config.key() == key)
    }
}
