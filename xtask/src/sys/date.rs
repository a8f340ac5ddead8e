//! Points in time as text: RFC 3339, in UTC, to the second.

use anyhow::{Context, Result};
use std::time::{Duration, SystemTime};

/// The last second of the year 9999: RFC 3339 years have four digits.
const LAST: u64 = 253_402_300_799;

/// `2026-11-21T10:08:34Z`, from seconds since 1970.
pub(crate) fn rfc3339(seconds: i64) -> Result<String> {
    let seconds = u64::try_from(seconds)
        .ok()
        .filter(|s| *s <= LAST)
        .context("the time is not between the years 1970 and 9999")?;
    Ok(humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string())
}

/// The current time as RFC 3339. A clock outside of the years 1970 to 9999 shows their first or last second.
pub(crate) fn now() -> String {
    shown(SystemTime::now())
}

fn shown(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs().min(LAST));
    humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

/// The current time as `20261121T100834Z`, which sorts by time and is valid in a file name.
pub(crate) fn stamp() -> String {
    now().replace(['-', ':'], "")
}

/// Today in UTC as `2026-11-21`, or the day of SOURCE_DATE_EPOCH if it is set (reproducible-builds.org).
pub(crate) fn today() -> Result<String> {
    let set = std::env::var("SOURCE_DATE_EPOCH").ok().filter(|s| !s.is_empty());
    let seconds = match set {
        Some(text) => text.parse().context("SOURCE_DATE_EPOCH is not a number of seconds")?,
        None => return Ok(now()[..10].to_string()),
    };
    Ok(rfc3339(seconds)?[..10].to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_second_in_utc_and_refused_outside_of_four_digit_years() {
        for (seconds, text) in [
            (0, Some("1970-01-01T00:00:00Z")),
            (951_782_400, Some("2000-02-29T00:00:00Z")),
            (1_795_255_714, Some("2026-11-21T10:08:34Z")),
            (LAST.cast_signed(), Some("9999-12-31T23:59:59Z")),
            (LAST.cast_signed() + 1, None),
            (-1, None),
            (i64::MAX, None),
            (i64::MIN, None),
        ] {
            assert_eq!(rfc3339(seconds).ok().as_deref(), text, "{seconds}");
        }
    }

    #[test]
    fn a_wrong_clock_is_no_panic() {
        let second = Duration::from_secs(1);
        let last = SystemTime::UNIX_EPOCH + Duration::from_secs(LAST);
        for (time, text) in [
            (SystemTime::UNIX_EPOCH - second, "1970-01-01T00:00:00Z"),
            (last, "9999-12-31T23:59:59Z"),
            (last + second, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(shown(time), text);
        }
    }

    #[test]
    fn a_stamp_is_valid_in_a_file_name() {
        assert!(stamp().bytes().all(|b| b.is_ascii_alphanumeric()) && stamp().len() == 16);
    }
}
