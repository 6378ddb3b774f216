//! Images in directories, in OCI's layout, made without any engine.

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Makes a layout of one image in `root` that holds one file of a text, under `tag` if there is one.
pub fn make(root: &Path, tag: Option<&str>, file: &str, text: &str) {
    let mut layer = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    layer
        .append_data(&mut header, file, text.as_bytes())
        .expect("an entry");
    let layer = layer.into_inner().expect("an archive");
    let blobs = root.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).expect("a directory");
    let blob = |kind: &str, content: &[u8]| -> Value {
        let hex: String = Sha256::digest(content)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        std::fs::write(blobs.join(&hex), content).expect("a blob");
        let media_type = format!("application/vnd.oci.image.{kind}");
        json!({"mediaType": media_type, "digest": format!("sha256:{hex}"), "size": content.len()})
    };
    let layer = blob("layer.v1.tar", &layer);
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    });
    let config = blob("config.v1+json", config.to_string().as_bytes());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [layer],
    });
    let mut entry = blob("manifest.v1+json", manifest.to_string().as_bytes());
    if let Some(tag) = tag {
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
    }
    let index = json!({"schemaVersion": 2, "manifests": [entry]});
    for (name, content) in [
        ("index.json", index),
        ("oci-layout", json!({"imageLayoutVersion": "1.0.0"})),
    ] {
        std::fs::write(root.join(name), content.to_string()).expect("a file");
    }
}
