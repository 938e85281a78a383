//! What somebody may have meant.

/// Names that are listed when none is near.
const LISTED_MAX: usize = 12;

/// ``: did you mean `x`?``, or the names that there are.
pub(crate) fn did_you_mean<'n>(word: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    if let Some(near) = nearest(word, names.clone()) {
        return format!(": did you mean `{near}`?");
    }
    let listed: Vec<&str> = names.clone().take(LISTED_MAX).collect();
    match listed.len() {
        0 => "; there are none".to_owned(),
        LISTED_MAX if names.count() > LISTED_MAX => format!("; there are {}, …", listed.join(", ")),
        _ => format!("; there are {}", listed.join(", ")),
    }
}

/// The name that is a slip away: another case, or a third of the letters.
pub(crate) fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let small = |text: &str| text.to_lowercase().replace(['-', '_'], "");
    let wanted = small(word);
    let away = |name: &str| {
        let name = small(name);
        // The end of a dotted name is what people remember.
        if !wanted.is_empty() && name.ends_with(&format!(".{wanted}")) {
            return 0;
        }
        strsim::damerau_levenshtein(&wanted, &name)
    };
    let (distance, name) = names.map(|name| (away(name), name)).min_by_key(|(away, _)| *away)?;
    (distance <= (word.chars().count() / 3).max(1)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn what_is_near_is_suggested_and_else_all_is_listed() {
        let names = ["email", "display_name", "id"];
        let of = |word| did_you_mean(word, names.into_iter());
        assert_eq!(of("emial"), ": did you mean `email`?");
        assert_eq!(of("displayName"), ": did you mean `display_name`?");
        assert_eq!(of("phone"), "; there are email, display_name, id");
        let targets = ["shop.v1.users.get", "shop.v1.users.list"];
        assert_eq!(
            did_you_mean("users.get", targets.into_iter()),
            ": did you mean `shop.v1.users.get`?"
        );
        assert_eq!(did_you_mean("x", [].into_iter()), "; there are none");
    }
}
