//! The limit of open files: each device and each reader holds one.

use std::io;

use rlimit::Resource;

/// Open files that are not devices: readers of the page, the journal's segments, what the process itself holds.
pub const BESIDE_DEVICES: u64 = 1024;

/// Open files that a night with so many connected devices needs, and strangers at their door.
pub fn needed(devices: usize) -> u64 {
    let sockets = devices.saturating_add(broker::Limits::for_devices(devices).unproven);
    u64::try_from(sockets).unwrap_or(u64::MAX).saturating_add(BESIDE_DEVICES)
}

/// How many the process may open at most, once it has raised its own limit.
///
/// # Errors
/// Where the system does not say.
pub fn most() -> io::Result<u64> {
    Resource::NOFILE.get_hard()
}

/// Raises the process's own limit to `needed` where it is below, and as near to it as is allowed. Returns the limit
/// that is in force then.
///
/// # Errors
/// Where the system does not say, or refuses.
pub fn raise(needed: u64) -> io::Result<u64> {
    let (soft, hard) = Resource::NOFILE.get()?;
    let wanted = needed.min(hard);
    if wanted <= soft {
        return Ok(soft);
    }
    Resource::NOFILE.set(wanted, hard)?;
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_allowed_and_never_lowered() {
        let (soft, hard) = Resource::NOFILE.get().unwrap();
        assert_eq!(raise(1).unwrap(), soft);
        assert_eq!(raise(soft.saturating_add(1)).unwrap(), soft.saturating_add(1).min(hard).max(soft));
        assert_eq!(raise(u64::MAX).unwrap(), hard);
        assert_eq!(most().unwrap(), hard);
    }
}
