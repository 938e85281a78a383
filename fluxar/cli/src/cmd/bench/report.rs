//! The result: for a person, as JSON, and as a row of CSV.

use super::load::{Load, Sheet};
use crate::units;
use serde_json::{Value, json};
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// The shares whose latency is told, with their names.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// A measurement's result.
#[derive(Debug)]
pub(super) struct Report {
    /// Columns of the CSV file, in order.
    fields: Vec<(&'static str, Value)>,
    messages: u64,
    per_second: f64,
    bytes_per_second: f64,
    lost: u64,
    duplicated: u64,
    latencies: Vec<(&'static str, Duration)>,
    p99: Duration,
}

impl Report {
    pub(super) fn new(pattern: &str, load: &Load, sheet: &Sheet) -> Self {
        let seconds = sheet.elapsed().as_secs_f64();
        let messages = sheet.messages();
        let per_second = if seconds > 0.0 { messages as f64 / seconds } else { 0.0 };
        let bytes_per_second = per_second * load.size as f64;
        let mut latencies: Vec<_> =
            QUANTILES.iter().map(|(name, share)| (*name, sheet.quantile(*share))).collect();
        latencies.push(("max", sheet.max()));
        let mut fields = vec![
            ("pattern", json!(pattern)),
            ("clients", json!(load.clients)),
            ("size_bytes", json!(load.size)),
            ("rate", json!(load.rate)),
            ("sent", json!(sheet.sent)),
            ("messages", json!(messages)),
            ("lost", json!(sheet.lost)),
            ("duplicated", json!(sheet.duplicated)),
            ("seconds", json!(seconds)),
            ("per_second", json!(per_second)),
            ("bytes_per_second", json!(bytes_per_second)),
        ];
        let columns = ["p50_us", "p90_us", "p99_us", "p999_us", "max_us"];
        for (column, (_, latency)) in columns.into_iter().zip(&latencies) {
            fields.push((column, json!(latency.as_secs_f64() * 1e6)));
        }
        Self {
            fields,
            messages,
            per_second,
            bytes_per_second,
            lost: sheet.lost,
            duplicated: sheet.duplicated,
            latencies,
            p99: sheet.quantile(0.99),
        }
    }

    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    pub(super) fn p99(&self) -> Duration {
        self.p99
    }

    pub(super) fn json(&self) -> Value {
        self.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    /// Adds a row, and the header when the file is new. No field needs quotes.
    pub(super) fn append_csv(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        let mut text = String::new();
        if file.metadata()?.len() == 0 {
            let names: Vec<&str> = self.fields.iter().map(|(name, _)| *name).collect();
            text = format!("{}\n", names.join(","));
        }
        let cells: Vec<String> = self.fields.iter().map(|(_, value)| cell(value)).collect();
        text.push_str(&format!("{}\n", cells.join(",")));
        file.write_all(text.as_bytes())
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = self.bytes_per_second / 1e6;
        writeln!(
            f,
            "messages   {:>12}   {:.0}/s, {megabytes:.1} MB/s",
            self.messages, self.per_second
        )?;
        writeln!(f, "lost       {:>12}   duplicated {}", self.lost, self.duplicated)?;
        for (name, latency) in &self.latencies {
            writeln!(f, "{name:<10} {:>12}", units::show(*latency))?;
        }
        Ok(())
    }
}
