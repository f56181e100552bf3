//! Whether the kernel believes that the machine's clock is synchronised, as NTP daemons tell it.

use std::{io, time::Duration};

/// What the kernel says of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discipline {
    /// Somebody keeps the clock right: the kernel's `STA_UNSYNC` is not set.
    pub synchronised: bool,
    /// How far off the clock may be at most. It grows while nobody looks after the clock.
    pub max_error: Duration,
}

/// Asks the kernel. Changes nothing, and needs no privilege.
///
/// # Errors
/// Where the system forbids even to ask.
pub fn discipline() -> io::Result<Discipline> {
    #[allow(unsafe_code)]
    let (answer, timex) = {
        // SAFETY: `timex` is a C structure of integers, for which all zeros are a value; zero `modes` asks and
        // changes nothing. The pointer is to a structure that lives until the call returns.
        unsafe {
            let mut timex: libc::timex = std::mem::zeroed();
            (libc::adjtimex(&raw mut timex), timex)
        }
    };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    let micros = u64::try_from(timex.maxerror).unwrap_or(u64::MAX);
    let synchronised = timex.status & libc::STA_UNSYNC == 0;
    Ok(Discipline { synchronised, max_error: Duration::from_micros(micros) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_answers_and_an_error_bound_is_that_of_its_word() {
        let Ok(said) = discipline() else { return };
        // A kernel that nobody has told anything says sixteen seconds.
        assert!(said.max_error <= Duration::from_secs(3_600), "{said:?}");
        assert!(said.synchronised || said.max_error > Duration::ZERO, "{said:?}");
    }
}
