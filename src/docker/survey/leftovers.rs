//! What builds have left behind in an engine: images that lost their name to a newer one, and the
//! containers of failed steps, which the classic builder keeps.

use std::time::Duration;

use serde_json::Value;

use super::json;
use crate::docker::detect::Facts;
use crate::human;

/// How long listing either may take: on an engine with thousands of images it is not worth waiting for.
const LIMIT: Duration = Duration::from_millis(150);

/// What builds have left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// How many images have no name any more and no container.
    pub images: usize,
    /// The names of stopped containers that were made from images without a name.
    pub containers: Vec<String>,
}

/// Asks the engine; nothing when it does not answer in time.
pub async fn leftovers(facts: &Facts) -> Option<Leftovers> {
    // `{"dangling":["true"]}` and `{"status":["exited"]}` as they stand in an address.
    let images = "images/json?filters=%7B%22dangling%22%3A%5B%22true%22%5D%7D";
    let containers = "containers/json?all=1&filters=%7B%22status%22%3A%5B%22exited%22%5D%7D";
    let (images, containers) =
        tokio::join!(json(facts, images, LIMIT), json(facts, containers, LIMIT));
    Some(read(&images?, &containers?))
}

fn read(images: &Value, containers: &Value) -> Leftovers {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let is_unnamed = |container: &&Value| {
        let image = container["Image"].as_str().unwrap_or_default();
        image.starts_with("sha256:") && container["Labels"]["com.docker.compose.project"].is_null()
    };
    let name = |container: &Value| {
        let name = container["Names"][0].as_str()?;
        Some(human::sanitize(name.trim_start_matches('/')))
    };
    Leftovers {
        images: list(images).len(),
        containers: list(containers)
            .iter()
            .filter(is_unnamed)
            .filter_map(name)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn containers_of_images_with_a_name_and_of_projects_are_no_leftovers() {
        let container = |name: &str, image: &str, labels: Value| json!({"Names": [format!("/{name}")], "Image": image, "Labels": labels});
        let compose = json!({"com.docker.compose.project": "shop"});
        let containers = json!([
            container("left", "sha256:0123", json!({})),
            container("db", "postgres:17", json!({})),
            container("shop-web-1", "sha256:4567", compose),
            container("other", "sha256:89ab", Value::Null),
        ]);
        let expected = Leftovers {
            images: 2,
            containers: vec!["left".to_owned(), "other".to_owned()],
        };
        assert_eq!(read(&json!([{}, {}]), &containers), expected);
        assert_eq!(read(&Value::Null, &Value::Null), Leftovers::default());
    }
}
