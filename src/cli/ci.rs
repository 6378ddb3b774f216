//! `dcb ci`.

use clap::{Args, ValueEnum};

/// `dcb ci`.
#[derive(Debug, Args)]
pub struct Ci {
    /// The build server
    #[arg(value_enum, value_name = "SERVER")]
    pub server: Server,
    /// Where the build cache is kept between two runs: `gha`, `registry=IMAGE`, `local`, or `none`
    /// [default: what the build server has]
    #[arg(long, value_name = "WHERE")]
    pub cache: Option<String>,
    /// Push the images of services that have an `image:`, but for changes that are only proposed
    #[arg(long)]
    pub push: bool,
    /// Use the classic builder and traditional Dockerfiles
    #[arg(long)]
    pub force_traditional: bool,
}

/// A build server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Server {
    /// GitHub Actions: `dcb ci github > .github/workflows/images.yml`
    #[value(name = "github")]
    GitHub,
    /// GitLab CI: `dcb ci gitlab > .gitlab-ci.yml`
    #[value(name = "gitlab")]
    GitLab,
    /// Jenkins: `dcb ci jenkins > Jenkinsfile`
    Jenkins,
}
