//! Bytes on the heap: how many, and how many at the worst moment.

use peak_alloc::PeakAlloc;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The heap belongs to the whole process, so one test at a time is measured.
static ALONE: Mutex<()> = Mutex::new(());

/// Bytes of one kibibyte and of one mebibyte.
pub(crate) const KIB: usize = 1 << 10;
pub(crate) const MIB: usize = 1 << 20;

/// Watches the heap for as long as it lives, alone.
pub(crate) struct Watch {
    at_start: usize,
    _alone: MutexGuard<'static, ()>,
}

/// Waits for the other tests to end; what is allocated from here on is this test's.
pub(crate) fn alone() -> Watch {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut watch = Watch { at_start: 0, _alone: alone };
    watch.restart();
    watch
}

impl Watch {
    /// Counts from here.
    pub(crate) fn restart(&mut self) {
        HEAP.reset_peak_usage();
        self.at_start = HEAP.current_usage();
    }

    /// Bytes held now beyond those held at the start.
    pub(crate) fn held(&self) -> usize {
        HEAP.current_usage().saturating_sub(self.at_start)
    }

    /// Bytes held at the worst moment beyond those held at the start.
    pub(crate) fn peak(&self) -> usize {
        HEAP.peak_usage().saturating_sub(self.at_start)
    }
}
