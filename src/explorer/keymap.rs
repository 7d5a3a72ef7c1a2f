//! Which keys start which action: those of the table, unless a config file has given an action others.

use super::{
    action_table::{ENTRIES, EVERYWHERE},
    actions::{ACTIONS, ActionId, Context, in_context},
    keys::Key,
};

/// Keys for every action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keymap {
    /// In the order of the table.
    keys: Vec<Vec<Key>>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self {
            keys: ACTIONS.iter().map(|action| action.keys.to_vec()).collect(),
        }
    }
}

impl Keymap {
    /// The keys of an action; the first is the one that is shown.
    pub(super) fn of(&self, id: ActionId) -> &[Key] {
        let place = ACTIONS.iter().position(|action| action.id == id);
        place
            .and_then(|place| self.keys.get(place))
            .map_or(&[], Vec::as_slice)
    }

    /// The key to press for an action, as it is shown; nothing where it has none.
    pub(super) fn shown(&self, id: ActionId) -> String {
        self.of(id)
            .first()
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    /// The action that `key` starts in `context`.
    pub(super) fn resolve(&self, context: Context, key: Key) -> Option<ActionId> {
        ACTIONS
            .iter()
            .zip(&self.keys)
            .find(|(action, keys)| keys.contains(&key) && action.contexts.contains(&context))
            .map(|(action, _)| action.id)
    }

    /// Gives the action of that name these keys instead of its own.
    ///
    /// # Errors
    /// One sentence where there is no such action, or where a key would be text that is typed.
    pub(super) fn set(&mut self, name: &str, keys: Vec<Key>) -> Result<(), String> {
        let place = ACTIONS.iter().position(|action| action.name == name);
        let place = place.ok_or_else(|| {
            format!("there is no action {name:?}; the help of --print-config lists them all")
        })?;
        let typed = |context: &Context| ENTRIES.contains(context);
        let text = keys.iter().find(|key| key.typed().is_some());
        if let (Some(key), true) = (text, ACTIONS[place].contexts.iter().any(typed)) {
            return Err(format!(
                "{name} works while something is typed, and {key} would be text there"
            ));
        }
        self.keys[place] = keys;
        Ok(())
    }

    /// Two actions of one place that have a key in common, if there are any: their names, the key, and the place.
    pub(super) fn clash(&self) -> Option<(&'static str, &'static str, Key, Context)> {
        for context in EVERYWHERE {
            let here: Vec<_> = in_context(*context).collect();
            for (number, action) in here.iter().enumerate() {
                for other in &here[number + 1..] {
                    let common = self
                        .of(action.id)
                        .iter()
                        .find(|key| self.of(other.id).contains(key));
                    if let Some(key) = common {
                        return Some((action.name, other.name, *key, *context));
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_can_be_exchanged_and_clashes_are_found() {
        let mut keymap = Keymap::default();
        assert_eq!(keymap.clash(), None);
        keymap.set("next-finding", vec![Key::char('s')]).unwrap();
        let (one, other, key, context) = keymap.clash().unwrap();
        assert_eq!(
            (one, other, key, context),
            ("next-finding", "sort-next", Key::char('s'), Context::Tasks)
        );
        keymap.set("sort-next", vec![Key::char('e')]).unwrap();
        assert_eq!(keymap.clash(), None);
        assert_eq!(
            keymap.resolve(Context::Tasks, Key::char('e')),
            Some(ActionId::SortNext)
        );
        assert_eq!(keymap.shown(ActionId::NextFinding), "s");
        assert!(keymap.set("accept", vec![Key::char('y')]).is_err());
        assert!(keymap.set("nonsense", Vec::new()).is_err());
    }
}
