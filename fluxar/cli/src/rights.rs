//! What somebody may do, as it is written on a command line or in a file.

use fluxar::Rights;

/// `all`, `none`, or `call=llm.>,subscribe=sensors.*.temp`.
///
/// # Errors
/// It is none of these.
pub(crate) fn parse(text: &str) -> Result<Rights, String> {
    match text {
        "all" => return Ok(Rights::all()),
        "none" => return Ok(Rights::none()),
        _ => {}
    }
    text.split(',').try_fold(Rights::none(), |rights, right| {
        let (action, pattern) = right.split_once('=').ok_or_else(|| {
            format!("`{right}` is no right: write all, none, or a list such as call=llm.*")
        })?;
        add(rights, action, pattern)
    })
}

/// What there are rights to do.
pub(crate) const ACTIONS: [&str; 4] = ["call", "serve", "publish", "subscribe"];

/// Adds one right.
///
/// # Errors
/// There is no such action, or the pattern matches nothing.
pub(crate) fn add(rights: Rights, action: &str, pattern: &str) -> Result<Rights, String> {
    if let Some(wrong) = wrong_in(pattern) {
        return Err(format!("`{pattern}` {wrong}: write a pattern such as llm.* or sensors.>"));
    }
    match action {
        "call" => Ok(rights.call(pattern)),
        "serve" => Ok(rights.serve(pattern)),
        "publish" => Ok(rights.publish(pattern)),
        "subscribe" => Ok(rights.subscribe(pattern)),
        _ => Err(format!("`{action}` is no right: call, serve, publish and subscribe are")),
    }
}

/// What keeps a pattern from ever matching.
fn wrong_in(pattern: &str) -> Option<&'static str> {
    let segments: Vec<&str> = pattern.split('.').collect();
    let (last, others) = segments.split_last()?;
    if segments.iter().any(|segment| segment.is_empty()) {
        return Some("has an empty segment");
    }
    if others.contains(&">") {
        return Some("has something behind >");
    }
    let is_mixed = |segment: &&str| segment.len() > 1 && segment.contains(['*', '>']);
    others.iter().chain([last]).any(is_mixed).then_some("has a wildcard that is only a part")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_read_as_they_are_written() {
        assert_eq!(parse("all"), Ok(Rights::all()));
        assert_eq!(parse("none"), Ok(Rights::none()));
        let some = Rights::none().call("llm.>").call("a.*").subscribe(">");
        assert_eq!(parse("call=llm.>,call=a.*,subscribe=>"), Ok(some));
    }

    #[test]
    fn what_would_never_match_is_refused() {
        for wrong in ["", "call", "call=", "read=a", "call=a..b", "call=>.a", "call=a*", "al"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
