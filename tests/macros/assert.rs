//! Traits against contract files.

use crate::compiled::shop_v1::{ApprovalsClient, LlmClient, UsersClient};

#[test]
fn what_was_compiled_from_a_file_matches_it() {
    fluxar::assert_idl!("../idl/shop.fluxar", Users, Llm, Approvals);
    fluxar::assert_idl!("../idl/shop.fluxar", Llm);
}

#[test]
#[should_panic(expected = "differ")]
fn a_service_that_the_file_has_not_is_a_difference() {
    fluxar::assert_idl!("../idl/corpus/empty.fluxar", Approvals);
}
