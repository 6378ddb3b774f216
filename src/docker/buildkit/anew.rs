//! A build whose steps all run again, with what is in their cache mounts.
//!
//! `no-cache`, as the frontend has it, marks every step of a stage as one whose result is not to be
//! taken from the cache; and before a marked step runs, the engine empties the cache mounts that it
//! names. But a step behind a marked one runs again too, whether marked or not, because the result it
//! begins with is a new one. So the frontend is asked what it would build, all of it is marked except
//! the steps with cache mounts, and that is built:
//!
//! ```text
//! Control.Solve(ref, no frontend) ────────────────────────────────────> answered last
//!     LLBBridge.Solve(within ref, frontend) ──> what it would build
//!     LLBBridge.Solve(within ref, the same, marked) ──> result
//!     LLBBridge.Return(within ref, result)
//! ```
//!
//! Steps keep their names in the cache this way: later builds take the new results, those of other
//! clients too. That is what a changed argument, or anything else that makes a step another one, would
//! not give: they would go back to the results from before.
//!
//! Protocol: BuildKit's `solver/pb` (`OpMetadata.ignore_cache`), and `detectPrunedCacheID` in
//! `solver/llbsolver` for what is emptied.

use std::collections::HashSet;

use bollard_buildkit_proto::google::rpc;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::result::Result as Kinds;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::{
    Ref, Result as Made, ReturnRequest, SolveRequest as Question,
};
use bollard_buildkit_proto::moby::buildkit::v1::{SolveRequest, SolveResponse};
use bollard_buildkit_proto::pb::{Definition, Mount, MountType, Op, op};
use indexmap::IndexMap;
use prost::Message;
use sha2::{Digest, Sha256};
use tonic::{Response, Status};

use super::transport::{Control, within};
use crate::human;

/// Carries out `request`, all steps of which run again.
///
/// # Errors
/// What the frontend or the engine says when it cannot be built.
pub(super) async fn solve(
    control: &Control,
    mut request: SolveRequest,
) -> Result<Response<SolveResponse>, Status> {
    let reference = request.r#ref.clone();
    let question = Question {
        frontend: std::mem::take(&mut request.frontend),
        frontend_opt: request.frontend_attrs.clone(),
        ..question()
    };
    let mut client = control.client();
    let mut solve = std::pin::pin!(client.solve(request));
    let made = tokio::select! {
        biased;
        made = make(control, &reference, question) => made,
        ended = &mut solve => {
            let why = ended.err();
            return Err(why.unwrap_or_else(|| Status::internal("it ended before it was told to")));
        }
    };
    let (end, failed) = match made {
        Ok(made) => (Some(made), None),
        Err(status) => (None, Some(status)),
    };
    let error = failed.as_ref().map(|status| rpc::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    });
    let end = ReturnRequest { result: end, error };
    control.bridge().r#return(within(&reference, end)?).await?;
    let answer = solve.await;
    // How it ends then is made of these words, and has lost the place that they are about.
    failed.map_or(answer, Err)
}

/// What the frontend makes of its question, built anew.
async fn make(control: &Control, reference: &str, asked: Question) -> Result<Made, Status> {
    let mut made = ask(control, reference, asked).await?;
    let parts: Vec<&mut Ref> = match &mut made.result {
        Some(Kinds::Ref(one)) => vec![one],
        // One for each platform.
        Some(Kinds::Refs(several)) => several.refs.values_mut().collect(),
        Some(Kinds::RefDeprecated(_) | Kinds::RefsDeprecated(_)) | None => Vec::new(),
    };
    for part in parts {
        // An image of nothing has no definition.
        let Some(definition) = part.def.take() else {
            continue;
        };
        let marked = Question {
            definition: Some(marked(definition)?),
            ..question()
        };
        let built = ask(control, reference, marked).await?;
        let Some(Kinds::Ref(built)) = built.result else {
            return Err(Status::internal(
                "the engine made no one thing of a definition",
            ));
        };
        part.id = built.id;
    }
    Ok(made)
}

async fn ask(control: &Control, reference: &str, asked: Question) -> Result<Made, Status> {
    let answer = control.bridge().solve(within(reference, asked)?).await?;
    Ok(answer.into_inner().result.unwrap_or_default())
}

/// A question whose answer says how it is built.
fn question() -> Question {
    Question {
        allow_result_return: true,
        allow_result_array_ref: true,
        ..Question::default()
    }
}

/// `definition` with every step marked as one that runs again, but those with cache mounts, and those
/// that make the directory which a cache mount begins with: a new one would be another mount.
///
/// What comes from elsewhere, such as a base image, is the same however often it is had. It is marked only
/// where nothing else makes a step with a cache mount run again, because other builds that go on at the
/// same time and begin with it then run again too.
fn marked(mut definition: Definition) -> Result<Definition, Status> {
    let mut steps = Steps::new();
    let mut spared = HashSet::new();
    for encoded in &definition.def {
        let step = Op::decode(encoded.as_slice())
            .map_err(|error| Status::internal(format!("a step cannot be read: {error}")))?;
        let name = format!("sha256:{}", human::hex(&Sha256::digest(encoded)));
        for mount in cache_mounts(&step) {
            spared.insert(name.clone());
            let beneath = usize::try_from(mount.input).ok();
            let beneath = beneath.and_then(|index| step.inputs.get(index));
            spared.extend(beneath.map(|input| input.digest.clone()));
        }
        steps.insert(name, step);
    }
    let mut again: HashSet<String> = HashSet::new();
    for (name, step) in &steps {
        let from_elsewhere = matches!(step.op, Some(op::Op::Source(_)));
        // One without a kind only says which is the result.
        if step.op.is_some() && !from_elsewhere && !spared.contains(name) {
            again.insert(name.clone());
        }
    }
    for name in steps.keys().filter(|name| spared.contains(*name)) {
        let before = all_before(name, &steps);
        if before.is_disjoint(&again) {
            let is_source = |name: &String| {
                let step = steps.get(name);
                step.is_some_and(|step| matches!(step.op, Some(op::Op::Source(_))))
            };
            again.extend(before.into_iter().filter(is_source));
        }
    }
    for name in again {
        definition.metadata.entry(name).or_default().ignore_cache = true;
    }
    Ok(definition)
}

/// Steps by their digests.
type Steps = IndexMap<String, Op>;

/// The steps that one begins with, and those that these begin with.
fn all_before(name: &str, steps: &Steps) -> HashSet<String> {
    let mut all = HashSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        let inputs = steps.get(&name).into_iter().flat_map(|step| &step.inputs);
        for input in inputs {
            if all.insert(input.digest.clone()) {
                open.push(input.digest.clone());
            }
        }
    }
    all
}

fn cache_mounts(step: &Op) -> impl Iterator<Item = &Mount> {
    let mounts = match &step.op {
        Some(op::Op::Exec(exec)) => exec.mounts.as_slice(),
        _ => &[],
    };
    mounts
        .iter()
        .filter(|mount| mount.mount_type() == MountType::Cache)
}

#[cfg(test)]
mod tests {
    use bollard_buildkit_proto::pb::{ExecOp, FileOp, Input, SourceOp};

    use super::*;

    fn name(step: &Op) -> String {
        format!(
            "sha256:{}",
            human::hex(&Sha256::digest(step.encode_to_vec()))
        )
    }

    fn step(op: Option<op::Op>, inputs: &[&Op]) -> Op {
        let input = |of: &&Op| Input {
            digest: name(of),
            index: 0,
        };
        Op {
            inputs: inputs.iter().map(input).collect(),
            op,
            ..Op::default()
        }
    }

    fn run(mounts: &[(MountType, i64)]) -> op::Op {
        let mount = |(kind, input): &(MountType, i64)| Mount {
            mount_type: (*kind).into(),
            input: *input,
            ..Mount::default()
        };
        op::Op::Exec(ExecOp {
            mounts: mounts.iter().map(mount).collect(),
            ..ExecOp::default()
        })
    }

    /// Which of these steps are marked.
    fn marks(steps: &[&Op]) -> Vec<bool> {
        let definition = Definition {
            def: steps.iter().map(|step| step.encode_to_vec()).collect(),
            ..Definition::default()
        };
        let definition = marked(definition).expect("steps that can be read");
        let is_marked = |step: &&Op| {
            let metadata = definition.metadata.get(&name(step));
            metadata.is_some_and(|metadata| metadata.ignore_cache)
        };
        steps.iter().map(is_marked).collect()
    }

    #[test]
    fn all_runs_again_and_no_step_with_a_cache_mount_is_marked() {
        let root = (MountType::Bind, 0);
        let image = step(Some(op::Op::Source(SourceOp::default())), &[]);
        let plain = step(Some(run(&[root])), &[&image]);
        let directory = step(Some(op::Op::File(FileOp::default())), &[]);
        let nested = step(
            Some(run(&[root, (MountType::Cache, 1)])),
            &[&plain, &directory],
        );
        let cached = step(Some(run(&[root, (MountType::Cache, -1)])), &[&nested]);
        let copied = step(Some(op::Op::File(FileOp::default())), &[&cached]);
        let end = step(None, &[&copied]);
        let steps = [&image, &plain, &directory, &nested, &cached, &copied, &end];
        assert_eq!(
            marks(&steps),
            [false, true, false, false, false, true, false]
        );
    }

    #[test]
    fn a_base_image_is_marked_only_where_a_cache_mount_comes_right_behind_it() {
        let image = step(Some(op::Op::Source(SourceOp::default())), &[]);
        let mounts = [(MountType::Bind, 0), (MountType::Cache, -1)];
        let cached = step(Some(run(&mounts)), &[&image]);
        let end = step(None, &[&cached]);
        assert_eq!(marks(&[&image, &cached, &end]), [true, false, false]);
    }
}
