//! Keeps a session inside its time window, by a clock that runs while the machine sleeps and cannot be set.
//!
//! The start is kept in the session's state directory: a monitor that starts
//! again finds the same window, and a machine that has started again finds it over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ports::Clock;

/// The version of the window file.
const VERSION: u32 = 1;

/// A time window on the boot-time clock; it only ever gets shorter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonotonicGuard {
    deadline_ms: u64,
    latest_ms: u64,
    file: Option<PathBuf>,
    boot_id: String,
}

/// Why a window is not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowFault {
    /// The window is over.
    Over,
    /// The clock reads less than before.
    ClockWentBack,
}

impl core::fmt::Display for WindowFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Over => "the time window of the session is over",
            Self::ClockWentBack => "the boot-time clock went backwards",
        })
    }
}

impl core::error::Error for WindowFault {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    version: u32,
    boot_id: String,
    deadline_boot_ms: u64,
    latest_boot_ms: u64,
}

impl MonotonicGuard {
    /// A window of this length from now on, kept nowhere.
    #[must_use]
    pub fn start(clock: &dyn Clock, window_ms: u64) -> Self {
        let now = clock.boot_ms();
        Self {
            deadline_ms: now.saturating_add(window_ms),
            latest_ms: now,
            file: None,
            boot_id: clock.boot_id(),
        }
    }

    /// The window kept in `file`, or one of this length from now on, which is written there.
    ///
    /// FAIL-CLOSED: a window of another boot is over, whatever the clocks say.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is not a window.
    pub fn open(clock: &dyn Clock, window_ms: u64, file: &Path) -> io::Result<Self> {
        let fresh = Self {
            file: Some(file.to_owned()),
            ..Self::start(clock, window_ms)
        };
        match fs::read(file) {
            Ok(bytes) => Self::restored(&bytes, fresh),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fresh.save()?;
                Ok(fresh)
            }
            Err(error) => Err(error),
        }
    }

    fn restored(bytes: &[u8], fresh: Self) -> io::Result<Self> {
        let kept: Window = serde_json::from_slice(bytes).map_err(io::Error::other)?;
        if kept.version != VERSION {
            return Err(io::Error::other("a window file of another version"));
        }
        let is_same_boot = kept.boot_id == fresh.boot_id;
        let deadline_ms = if is_same_boot {
            kept.deadline_boot_ms
        } else {
            0
        };
        let latest_ms = if is_same_boot { kept.latest_boot_ms } else { 0 };
        let guard = Self {
            deadline_ms: deadline_ms.min(fresh.deadline_ms),
            latest_ms,
            ..fresh
        };
        guard.save()?;
        Ok(guard)
    }

    /// The end of the window, in milliseconds of the boot-time clock.
    #[must_use]
    pub fn deadline_ms(&self) -> u64 {
        self.deadline_ms
    }

    /// Checks that the window is open at this reading of the clock.
    ///
    /// # Errors
    /// [`WindowFault`] when it is over or the clock went back.
    pub fn check(&mut self, now_ms: u64) -> Result<(), WindowFault> {
        if now_ms < self.latest_ms {
            return Err(WindowFault::ClockWentBack);
        }
        self.latest_ms = now_ms;
        if now_ms < self.deadline_ms {
            Ok(())
        } else {
            Err(WindowFault::Over)
        }
    }

    /// Ends the window no later than `window_ms` from this reading; never later than before.
    ///
    /// # Errors
    /// When the new end cannot be written down; it holds in memory nevertheless.
    pub fn tighten(&mut self, now_ms: u64, window_ms: u64) -> io::Result<()> {
        self.deadline_ms = self.deadline_ms.min(now_ms.saturating_add(window_ms));
        self.save()
    }

    fn save(&self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let window = Window {
            version: VERSION,
            boot_id: self.boot_id.clone(),
            deadline_boot_ms: self.deadline_ms,
            latest_boot_ms: self.latest_ms,
        };
        let bytes = serde_json::to_vec(&window).map_err(io::Error::other)?;
        crate::state::replace_file(file, &bytes)
    }
}
