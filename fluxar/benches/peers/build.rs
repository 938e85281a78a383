//! Generates tonic's client and server from a description in Rust, so that no `protoc` is needed.

use tonic_build::manual::{Builder, Method, Service};

const CODEC: &str = "::tonic_prost::ProstCodec";
const BLOB: &str = "crate::peers::tonic::Blob";
const COUNT: &str = "crate::peers::tonic::Count";

fn main() {
    let echo = Method::builder()
        .name("echo")
        .route_name("Echo")
        .input_type(BLOB)
        .output_type(BLOB)
        .codec_path(CODEC)
        .build();
    let items = Method::builder()
        .name("items")
        .route_name("Items")
        .input_type(COUNT)
        .output_type(BLOB)
        .codec_path(CODEC)
        .server_streaming()
        .build();
    let upload = Method::builder()
        .name("upload")
        .route_name("Upload")
        .input_type(BLOB)
        .output_type(COUNT)
        .codec_path(CODEC)
        .client_streaming()
        .build();
    let service =
        Service::builder().name("Bench").package("bench").method(echo).method(items).method(upload);
    Builder::new().compile(&[service.build()]);
    println!("cargo::rerun-if-changed=build.rs");
}
