//! The codec of contracts beside ciborium, cbor4ii and minicbor, in one run.
//!
//! `cargo run --release -p fluxar-bench-codec`. Rounds of all codecs are interleaved and the best
//! round counts, so that the ratios hold on a busy machine; the times themselves do not.
#![allow(clippy::print_stdout, reason = "the table is the purpose")]
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
#![allow(clippy::unwrap_used, reason = "what was just encoded decodes")]

mod records;

use fluxar::payload::{Decode, Encode, Keys, Mode, Reader, Writer};
use records::{
    Delta, MiniDelta, MiniUser, SerdeDelta, SerdeUser, TOKEN, User, mini_user, serde_user, user,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::hint::black_box;
use std::io::Cursor;
use std::time::{Duration, Instant};

const ROUNDS: usize = 60;
const ROUND: Duration = Duration::from_millis(4);
/// Runs between two looks at the clock, and behind one indirect call: a short run takes no longer
/// than such a call.
const RUNS: u32 = 64;

/// One codec at one task.
struct Row<'a> {
    name: &'static str,
    bytes: usize,
    /// Does it `RUNS` times.
    run: Box<dyn FnMut() + 'a>,
    best_ns: f64,
}

impl<'a> Row<'a> {
    fn new(name: &'static str, bytes: usize, mut once: impl FnMut() + 'a) -> Self {
        let run = Box::new(move || (0..RUNS).for_each(|_| once()));
        Self { name, bytes, run, best_ns: f64::INFINITY }
    }

    fn round(&mut self) {
        let (start, mut times) = (Instant::now(), 0_u32);
        while start.elapsed() < ROUND {
            (self.run)();
            times += RUNS;
        }
        let ns = start.elapsed().as_nanos() as f64 / f64::from(times);
        self.best_ns = self.best_ns.min(ns);
    }
}

/// Runs all rows by turns and prints them; ratios are over the first.
fn table(title: &str, mut rows: Vec<Row<'_>>) {
    for _ in 0..ROUNDS {
        rows.iter_mut().for_each(Row::round);
    }
    println!("\n| {title} | bytes | ns | times the first |\n|---|---:|---:|---:|");
    let first = rows.first().map_or(1.0, |row| row.best_ns);
    for row in &rows {
        let ratio = row.best_ns / first;
        println!("| {} | {} | {:.0} | {ratio:.2} |", row.name, row.bytes, row.best_ns);
    }
}

fn ours<T: Encode>(value: &T, keys: Keys) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), Mode::unchecked(keys));
    value.encode(&mut writer).unwrap();
    writer.finish()
}

fn encoding<T, P, M>(title: &str, value: &T, plain: &P, mini: &M)
where
    T: Encode + Serialize,
    P: Serialize,
    M: minicbor::Encode<()>,
{
    let mut buffers = [(); 3].map(|()| Vec::with_capacity(512));
    let [numbers, names, by_serde] = &mut buffers;
    let native = |buffer: &mut Vec<u8>, keys| {
        let mut out = std::mem::take(buffer);
        out.clear();
        let mut writer = Writer::new(out, Mode::unchecked(keys));
        black_box(value).encode(&mut writer).unwrap();
        *buffer = writer.finish();
        black_box(&*buffer);
    };
    let text = ours(value, Keys::Names).len();
    let mut rest = [(); 3].map(|()| Vec::with_capacity(512));
    let [cbor4ii, ciborium, minicbor] = &mut rest;
    let mini_bytes = minicbor::to_vec(mini).unwrap().len();
    let rows = vec![
        Row::new("fluxar, numbers", ours(value, Keys::Numbers).len(), || {
            native(numbers, Keys::Numbers);
        }),
        Row::new("fluxar, names", text, || native(names, Keys::Names)),
        Row::new("fluxar, names, through serde", text, || {
            let bytes = fluxar::payload::encode(black_box(value)).unwrap();
            *by_serde = black_box(bytes);
        }),
        Row::new("cbor4ii, names", text, || {
            cbor4ii.clear();
            let out = std::mem::take(cbor4ii);
            *cbor4ii = cbor4ii::serde::to_vec(out, black_box(plain)).unwrap();
            black_box(&*cbor4ii);
        }),
        Row::new("ciborium, names", text, || {
            ciborium.clear();
            ciborium::into_writer(black_box(plain), &mut *ciborium).unwrap();
            black_box(&ciborium);
        }),
        Row::new("minicbor, numbers", mini_bytes, || {
            minicbor.clear();
            minicbor::encode(black_box(mini), &mut *minicbor).unwrap();
            black_box(&minicbor);
        }),
    ];
    table(&format!("encode {title}"), rows);
}

fn decoding<T, P, M>(title: &str, value: &T, plain: &P, mini: &M)
where
    T: Encode + Decode + Serialize + DeserializeOwned,
    P: Serialize + DeserializeOwned,
    M: minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()>,
{
    let (numbers, names) = (ours(value, Keys::Numbers), ours(value, Keys::Names));
    let mut text = Vec::new();
    ciborium::into_writer(plain, &mut text).unwrap();
    let mini = minicbor::to_vec(mini).unwrap();
    let native = |bytes: &[u8]| {
        black_box(T::decode(&mut Reader::new(black_box(bytes), false)).unwrap());
    };
    let rows = vec![
        Row::new("fluxar, numbers", numbers.len(), || native(&numbers)),
        Row::new("fluxar, names", names.len(), || native(&names)),
        Row::new("fluxar, names, through serde", names.len(), || {
            black_box(fluxar::payload::decode::<T>(black_box(&names)).unwrap());
        }),
        Row::new("cbor4ii, names", text.len(), || {
            black_box(cbor4ii::serde::from_slice::<P>(black_box(&text)).unwrap());
        }),
        Row::new("ciborium, names", text.len(), || {
            let bytes = Cursor::new(black_box(&text));
            black_box(ciborium::from_reader::<P, _>(bytes).unwrap());
        }),
        Row::new("minicbor, numbers", mini.len(), || {
            black_box(minicbor::decode::<M>(black_box(&mini)).unwrap());
        }),
    ];
    table(&format!("decode {title}"), rows);
}

fn main() {
    let (ours, plain, mini): (User, SerdeUser, MiniUser) = (user(), serde_user(), mini_user());
    encoding("User", &ours, &plain, &mini);
    decoding("User", &ours, &plain, &mini);
    let (ours, plain, mini) =
        (Delta::Text(TOKEN.into()), SerdeDelta::Text(TOKEN.into()), MiniDelta::Text(TOKEN.into()));
    encoding("Delta", &ours, &plain, &mini);
    decoding("Delta", &ours, &plain, &mini);
}
