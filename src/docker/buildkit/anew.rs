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
fn marked(mut definition: Definition) -> Result<Definition, Status> {
    let mut steps = Vec::new();
    let mut unmarked = HashSet::new();
    for encoded in &definition.def {
        let step = Op::decode(encoded.as_slice())
            .map_err(|error| Status::internal(format!("a step cannot be read: {error}")))?;
        let name = format!("sha256:{}", human::hex(&Sha256::digest(encoded)));
        for mount in cache_mounts(&step) {
            unmarked.insert(name.clone());
            let beneath = usize::try_from(mount.input).ok();
            let beneath = beneath.and_then(|index| step.inputs.get(index));
            unmarked.extend(beneath.map(|input| input.digest.clone()));
        }
        steps.push((name, step));
    }
    for (name, step) in steps {
        let spared = match step.op {
            Some(op::Op::Exec(_) | op::Op::File(_)) => unmarked.contains(&name),
            Some(_) => false,
            // The last one only says which is the result.
            None => true,
        };
        if !spared {
            definition.metadata.entry(name).or_default().ignore_cache = true;
        }
    }
    Ok(definition)
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
        let definition = Definition {
            def: steps.iter().map(|step| step.encode_to_vec()).collect(),
            ..Definition::default()
        };
        let definition = marked(definition).expect("steps that can be read");
        let again = steps.map(|step| {
            let metadata = definition.metadata.get(&name(step));
            metadata.is_some_and(|metadata| metadata.ignore_cache)
        });
        assert_eq!(again, [true, true, false, false, false, true, false]);
    }
}
