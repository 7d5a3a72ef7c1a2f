//! One line of a recording to one event: a scanner for the lines as console-subscriber writes them, and `serde_json` for
//! every other spelling of the same.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, Visitor},
};

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event<'a> {
    /// The span that it is about. Numbers of spans that are gone are used again.
    pub(super) span: u64,
    /// When, in ns since the Unix epoch.
    pub(super) at: i64,
    pub(super) what: What<'a>,
}

/// What happened to the span.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What<'a> {
    /// It stands for this task, or blocking job, from now on.
    Spawn(Vec<Field<'a>>),
    /// A thread went into it.
    Enter,
    /// A thread left it.
    Exit,
    /// It is gone.
    Close,
    /// Its task was woken.
    Wake {
        /// On a thread that was inside the task itself.
        own: bool,
        /// And the waker is gone with it.
        consumed: bool,
    },
    /// A waker of its task was cloned.
    WakerCloned,
    /// A waker of its task was dropped.
    WakerDropped,
}

/// A field of a spawn.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Field<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) value: Value<'a>,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Number(u64),
    /// A kind of value that nothing here asks for.
    Other,
}

/// Why a line is no event.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LineError {
    /// It is an event of a kind that this program does not know.
    UnknownKind(String),
    /// It is the first line of a recording: of another one.
    Header,
    /// It is none; why.
    Malformed(String),
}

/// The version that the first line of a recording names: `{"v":1}`.
pub(super) fn version(line: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Header {
        v: u64,
    }
    serde_json::from_slice::<Header>(line)
        .ok()
        .map(|header| header.v)
}

/// Scans the line at the beginning of `bytes` if it is one of the frequent ones, spelled as console-subscriber does.
/// Returns the event and the length of the line, its end included; `None` says nothing about the line.
pub(super) fn scan(bytes: &[u8]) -> Option<(Event<'static>, usize)> {
    let mut scanner = Scanner { rest: bytes };
    scanner.word(b"{\"")?;
    let (span, what) = match scanner.rest.first()? {
        b'E' => {
            let what = if scanner.word(b"Enter\":{\"id\":").is_some() {
                What::Enter
            } else {
                scanner.word(b"Exit\":{\"id\":")?;
                What::Exit
            };
            (scanner.number()?, what)
        }
        b'W' => {
            scanner.word(b"Waker\":{\"id\":")?;
            let span = scanner.number()?;
            scanner.word(b",\"op\":")?;
            (span, scanner.waker_op()?)
        }
        _ => {
            scanner.word(b"Close\":{\"id\":")?;
            (scanner.number()?, What::Close)
        }
    };
    scanner.word(b",\"at\":{\"secs_since_epoch\":")?;
    let seconds = scanner.number()?;
    scanner.word(b",\"nanos_since_epoch\":")?;
    let nanos = scanner.number()?;
    scanner.word(b"}}}\n")?;
    let at = Instant { seconds, nanos }.ns()?;
    Some((Event { span, at, what }, bytes.len() - scanner.rest.len()))
}

struct Scanner<'a> {
    rest: &'a [u8],
}

impl Scanner<'_> {
    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    /// A number as JSON spells it: no sign, no leading zero.
    fn number(&mut self) -> Option<u64> {
        // So many digits cannot overflow.
        const MOST_DIGITS: usize = 19;
        let mut number = 0;
        let mut digits = 0;
        for byte in self.rest {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            if digits == MOST_DIGITS {
                return None;
            }
            number = number * 10 + u64::from(digit);
            digits += 1;
        }
        if digits == 0 || (digits > 1 && self.rest[0] == b'0') {
            return None;
        }
        self.rest = &self.rest[digits..];
        Some(number)
    }

    fn waker_op(&mut self) -> Option<What<'static>> {
        if self.word(b"\"Clone\"").is_some() {
            return Some(What::WakerCloned);
        }
        if self.word(b"\"Drop\"").is_some() {
            return Some(What::WakerDropped);
        }
        self.word(b"{\"Wake")?;
        let consumed = self.word(b"ByRef").is_none();
        self.word(b"\":{\"self_wake\":")?;
        let own = self.word(b"true").is_some();
        if !own {
            self.word(b"false")?;
        }
        self.word(b"}}")?;
        Some(What::Wake { own, consumed })
    }
}

/// Reads a line, its end not included.
pub(super) fn parse(line: &[u8]) -> Result<Event<'_>, LineError> {
    let raw = serde_json::from_slice::<Raw<'_>>(line)
        .map_err(|error| explain(line, &error.to_string()))?;
    let (span, at, what) = match raw {
        Raw::Spawn { id, at, fields } => (id, at, What::Spawn(fields)),
        Raw::Enter { id, at } => (id, at, What::Enter),
        Raw::Exit { id, at } => (id, at, What::Exit),
        Raw::Close { id, at } => (id, at, What::Close),
        Raw::Waker { id, op, at } => {
            let what = match op {
                Op::Clone => What::WakerCloned,
                Op::Drop => What::WakerDropped,
                Op::Wake { self_wake: own } => What::Wake {
                    own,
                    consumed: true,
                },
                Op::WakeByRef { self_wake: own } => What::Wake {
                    own,
                    consumed: false,
                },
            };
            (id, at, what)
        }
    };
    let at = at
        .ns()
        .ok_or_else(|| LineError::Malformed("its time is out of range".to_owned()))?;
    Ok(Event { span, at, what })
}

/// Why `line`, which `serde_json` refused as an event with `error`, is none.
fn explain(line: &[u8], error: &str) -> LineError {
    if version(line).is_some() {
        return LineError::Header;
    }
    match serde_json::from_slice::<Tag<'_>>(line) {
        Ok(Tag(tag)) if !KINDS.contains(&tag.as_ref()) => LineError::UnknownKind(tag.into_owned()),
        _ => {
            // The position counts within the line; which line, the reader knows.
            let cut = error.rfind(" at line ").unwrap_or(error.len());
            LineError::Malformed(error[..cut].to_owned())
        }
    }
}

const KINDS: [&str; 5] = ["Spawn", "Enter", "Exit", "Close", "Waker"];

#[derive(Deserialize)]
enum Raw<'a> {
    Spawn {
        id: u64,
        at: Instant,
        #[serde(borrow)]
        fields: Vec<Field<'a>>,
    },
    Enter {
        id: u64,
        at: Instant,
    },
    Exit {
        id: u64,
        at: Instant,
    },
    Close {
        id: u64,
        at: Instant,
    },
    Waker {
        id: u64,
        op: Op,
        at: Instant,
    },
}

#[derive(Deserialize)]
enum Op {
    Clone,
    Drop,
    Wake { self_wake: bool },
    WakeByRef { self_wake: bool },
}

#[derive(Deserialize)]
struct Instant {
    #[serde(rename = "secs_since_epoch")]
    seconds: u64,
    #[serde(rename = "nanos_since_epoch")]
    nanos: u64,
}

impl Instant {
    fn ns(&self) -> Option<i64> {
        if self.nanos >= 1_000_000_000 {
            return None;
        }
        let seconds = i64::try_from(self.seconds).ok()?;
        // A billion does not overflow the addition below unless the product is at the very end.
        seconds
            .checked_mul(1_000_000_000)?
            .checked_add(self.nanos as i64)
    }
}

/// The one key of an object.
struct Tag<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Tag<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Tag<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with one key")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Tag<'de>, A::Error> {
                use serde::de::Error as _;
                let Some(tag) = map.next_key::<Text<'de>>()? else {
                    return Err(A::Error::custom("it is empty"));
                };
                map.next_value::<IgnoredAny>()?;
                match map.next_key::<IgnoredAny>()? {
                    None => Ok(Tag(tag.0)),
                    Some(_) => Err(A::Error::custom("it has several keys")),
                }
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number or a truth value")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
                Ok(Value::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
                Ok(Value::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
                Ok(Value::Number(number))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Value<'de>, E> {
                Ok(Value::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Value<'de>, E> {
                Ok(Value::Other)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Value<'de>, E> {
                Ok(Value::Other)
            }

            fn visit_unit<E>(self) -> Result<Value<'de>, E> {
                Ok(Value::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = r#""at":{"secs_since_epoch":1700000000,"nanos_since_epoch":7}"#;

    fn lines() -> Vec<String> {
        let mut lines: Vec<String> = ["Enter", "Exit", "Close"]
            .iter()
            .map(|kind| format!("{{\"{kind}\":{{\"id\":2252074691592193,{AT}}}}}\n"))
            .collect();
        for op in [
            r#""Clone""#,
            r#""Drop""#,
            r#"{"Wake":{"self_wake":false}}"#,
            r#"{"Wake":{"self_wake":true}}"#,
            r#"{"WakeByRef":{"self_wake":false}}"#,
            r#"{"WakeByRef":{"self_wake":true}}"#,
        ] {
            lines.push(format!("{{\"Waker\":{{\"id\":1,\"op\":{op},{AT}}}}}\n"));
        }
        lines
    }

    #[test]
    fn the_scanner_reads_what_serde_json_reads() {
        for line in lines() {
            let (event, length) = scan(line.as_bytes()).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(length, line.len());
            assert_eq!(event.at, 1_700_000_000_000_000_007);
            assert_eq!(Ok(event), parse(line.trim_end().as_bytes()));
        }
    }

    /// A line that is spelled almost right must not mean something else to the scanner than to `serde_json`.
    #[test]
    fn the_scanner_accepts_nothing_that_serde_json_refuses() {
        let mut accepted = 0;
        for line in lines() {
            for place in 0..line.len() - 1 {
                for byte in b" \"{}:,019Eae\\\x7f\xff" {
                    let mut changed = line.clone().into_bytes();
                    changed[place] = *byte;
                    if let Some((event, length)) = scan(&changed) {
                        accepted += 1;
                        assert_eq!(length, changed.len());
                        assert_eq!(Ok(event), parse(&changed[..length - 1]));
                    }
                }
            }
        }
        assert!(accepted > 100, "only digits changed: {accepted}");
    }

    #[test]
    fn other_spellings_are_read_too() {
        let line = r#" { "Enter" : { "at" : { "nanos_since_epoch":7, "secs_since_epoch":1700000000, "x":[] }, "id": 5 } } "#;
        let event = parse(line.as_bytes()).unwrap();
        assert_eq!((event.span, event.what), (5, What::Enter));
        let line = format!(
            r#"{{"Spawn":{{"id":3,{AT},"fields":[{{"name":"kind","value":"task"}},{{"name":"a\tb","value":-1}},{{"name":"size.bytes","value":64}}]}}}}"#
        );
        let What::Spawn(fields) = parse(line.as_bytes()).unwrap().what else {
            panic!("no spawn");
        };
        assert_eq!(fields.len(), 3);
        assert_eq!(fields[0].value, Value::Text("task".into()));
        assert_eq!(fields[1].name, "a\tb");
        assert_eq!(fields[1].value, Value::Other);
        assert_eq!(fields[2].value, Value::Number(64));
    }

    #[test]
    fn what_is_no_event_is_told_apart() {
        let why = |line: &str| parse(line.as_bytes()).unwrap_err();
        assert_eq!(why("{\"v\":1}"), LineError::Header);
        assert_eq!(
            why(r#"{"PollOp":{"id":1}}"#),
            LineError::UnknownKind("PollOp".to_owned())
        );
        for line in [
            "",
            "{}",
            "[]",
            "{\"Enter\":{\"id\":1}}",
            "{\"Enter\":{\"id\":-1}}",
            "{\"Enter\":5,\"Exit\":6}",
            "\u{0}",
            &format!("{{\"Enter\":{{\"id\":1,{AT}}}}} x"),
            &"[".repeat(100_000),
            r#"{"Enter":{"id":1,"at":{"secs_since_epoch":1,"nanos_since_epoch":1000000000}}}"#,
            r#"{"Enter":{"id":1,"at":{"secs_since_epoch":18446744073709551615,"nanos_since_epoch":1}}}"#,
            r#"{"Enter":{"id":1,"at":{"secs_since_epoch":9223372036,"nanos_since_epoch":999999999}}}"#,
        ] {
            assert!(matches!(why(line), LineError::Malformed(_)), "{line}");
        }
    }

    #[test]
    fn the_first_line_names_the_version() {
        assert_eq!(version(b"{\"v\":1}"), Some(1));
        assert_eq!(version(b"{ \"v\" : 12 }\r"), Some(12));
        assert_eq!(version(b"{\"v\":-1}"), None);
        assert_eq!(version(b"{\"v\":1"), None);
    }
}
