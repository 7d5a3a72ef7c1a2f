//! From samples to the table: medians, what each configuration adds, and its ratio to its peer.

use std::error::Error;
use std::fmt::Write;
use std::time::Duration;

use crate::config::Config;
use crate::workload::Workload;

/// One child's figures, with its place in the comparison.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Which round it belongs to.
    pub round: usize,
    /// The configuration that ran.
    pub config: Config,
    /// What it ran.
    pub workload: Workload,
    /// CPU time per poll, ns.
    pub per_poll: f64,
    /// CPU time in parts of wall time: less than the two cores when others ran beside it.
    pub cores: f64,
    /// Polls that were measured.
    pub polls: u64,
    /// Bytes on disk at the end.
    pub written: u64,
}

impl Sample {
    /// Reads what a child printed.
    pub fn parse(
        round: usize,
        config: Config,
        workload: Workload,
        figures: &str,
    ) -> Result<Self, Box<dyn Error>> {
        let figures: Vec<u64> = figures
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let [cpu_ns, wall_ns, polls, written] = figures[..] else {
            return Err("a child printed something else than its figures".into());
        };
        if polls == 0 {
            return Err(format!("{} polled nothing", config.name()).into());
        }
        Ok(Self {
            round,
            config,
            workload,
            per_poll: cpu_ns as f64 / polls as f64,
            cores: cpu_ns as f64 / wall_ns as f64,
            polls,
            written,
        })
    }
}

/// The whole comparison as a markdown table.
pub fn render(samples: &[Sample], measured: &Duration) -> String {
    let rounds = samples
        .iter()
        .map(|sample| sample.round + 1)
        .max()
        .unwrap_or(0);
    let mut text = format!(
        "CPU time of the whole process per poll (one wake belongs to each), 2 workers, {} s per run, medians of {rounds} rounds.\n\
         *Added* is the median over the rounds of the difference to plain tokio in the same round.\n",
        measured.as_secs_f64(),
    );
    for workload in Workload::ALL {
        let _ = write!(
            text,
            "\n**{}**\n\n\
             | configuration | ns per poll | added | lowest, highest | added, in parts of its peer | cores | M polls | MB on disk |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|\n",
            workload.name(),
        );
        for config in Config::ALL {
            text.push_str(&row(samples, workload, config));
        }
    }
    text
}

fn row(samples: &[Sample], workload: Workload, config: Config) -> String {
    let of = |wanted: Config| {
        samples
            .iter()
            .filter(move |one| one.workload == workload && one.config == wanted)
    };
    let per_poll = median(of(config).map(|one| one.per_poll).collect());
    let cores = median(of(config).map(|one| one.cores).collect());
    let polls = median(of(config).map(|one| one.polls as f64).collect()) / 1e6;
    let written = median(of(config).map(|one| one.written as f64).collect()) / 1e6;
    let (added, spread) = if config == Config::Plain {
        ("base".to_owned(), String::new())
    } else {
        let all = differences(samples, workload, config);
        let lowest = all.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (
            format!("{:+.1}", median(all)),
            format!("{lowest:+.1}, {highest:+.1}"),
        )
    };
    let ratio = config.peer().map_or(String::new(), |peer| {
        let ratio = median(differences(samples, workload, config))
            / median(differences(samples, workload, peer));
        format!("{ratio:.2}x")
    });
    let disk = if written > 0.0 {
        format!("{written:.0}")
    } else {
        String::new()
    };
    format!(
        "| {} | {per_poll:.1} | {added} | {spread} | {ratio} | {cores:.2} | {polls:.1} | {disk} |\n",
        config.name()
    )
}

/// What a configuration added in each round.
fn differences(samples: &[Sample], workload: Workload, config: Config) -> Vec<f64> {
    let in_round = |round: usize, wanted: Config| {
        samples
            .iter()
            .find(|one| one.round == round && one.workload == workload && one.config == wanted)
            .map(|one| one.per_poll)
    };
    let rounds = samples
        .iter()
        .map(|sample| sample.round + 1)
        .max()
        .unwrap_or(0);
    (0..rounds)
        .filter_map(|round| Some(in_round(round, config)? - in_round(round, Config::Plain)?))
        .collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(round: usize, config: Config, per_poll: f64) -> Sample {
        Sample {
            round,
            config,
            workload: Workload::Yield,
            per_poll,
            cores: 2.0,
            polls: 1,
            written: 0,
        }
    }

    #[test]
    fn what_is_added_is_the_median_of_each_rounds_difference() {
        let samples = [
            sample(0, Config::Plain, 70.0),
            sample(0, Config::Hooks, 100.0),
            sample(1, Config::Plain, 90.0),
            sample(1, Config::Hooks, 125.0),
            sample(2, Config::Plain, 70.0),
            sample(2, Config::Hooks, 102.0),
        ];
        assert_eq!(
            differences(&samples, Workload::Yield, Config::Hooks),
            [30.0, 35.0, 32.0]
        );
        assert_eq!(
            median(differences(&samples, Workload::Yield, Config::Hooks)),
            32.0
        );
    }

    #[test]
    fn a_ratio_compares_with_the_peer_of_the_same_mode() {
        let samples = [
            sample(0, Config::Plain, 50.0),
            sample(0, Config::Wakes, 100.0),
            sample(0, Config::Dial9Spawn, 250.0),
        ];
        assert!(row(&samples, Workload::Yield, Config::Wakes).contains("| 0.25x |"));
    }

    #[test]
    fn a_child_that_prints_nonsense_is_an_error() {
        assert!(Sample::parse(0, Config::Plain, Workload::Yield, "1 2 x 4").is_err());
        assert!(Sample::parse(0, Config::Plain, Workload::Yield, "1 2 0 4").is_err());
    }
}
