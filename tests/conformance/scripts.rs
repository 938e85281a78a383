//! Python beside Rust: the script that makes the vectors, and the other decoder.

use std::process::Command;

fn python(script: &str, arguments: &[&str]) -> String {
    let path = format!("{}/{script}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("python3").arg("-B").arg(path).args(arguments).output();
    let output = output.expect("python3 is installed: tests/run does it");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_vectors_are_what_their_script_writes() {
    let said = python("vectors/make.py", &["--check"]);
    let count: usize = said.split(' ').next().unwrap().parse().unwrap();
    assert!(count >= 150, "{said}");
}

#[test]
fn another_decoder_agrees_with_the_vectors() {
    let said = python("clients/py/vectors.py", &[]);
    assert!(said.ends_with("vectors agree\n"), "{said}");
}
