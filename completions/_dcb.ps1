
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'dcb' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'dcb'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'dcb' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Compose file; repeat it to merge several, `-` reads standard input')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Compose file; repeat it to merge several, `-` reads standard input')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Project name')
            [CompletionResult]::new('--project-name', '--project-name', [CompletionResultType]::ParameterName, 'Project name')
            [CompletionResult]::new('--project-directory', '--project-directory', [CompletionResultType]::ParameterName, 'Directory that relative paths start from [default: that of the first file]')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'File with variables, instead of `.env`; repeatable')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile to switch on; repeatable')
            [CompletionResult]::new('--parallel', '--parallel', [CompletionResultType]::ParameterName, 'How many things are done side by side, as Compose has it; -1 is no limit')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('--compatibility', '--compatibility', [CompletionResultType]::ParameterName, 'Name images and containers as Compose v1 did (`project_service`)')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('build', 'build', [CompletionResultType]::ParameterValue, 'Build the images of the project, or of the services named')
            [CompletionResult]::new('up', 'up', [CompletionResultType]::ParameterValue, 'Build what has changed, then start the services through Docker Compose')
            [CompletionResult]::new('plan', 'plan', [CompletionResultType]::ParameterValue, 'Show what would be built, how, and why')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show the project as it is in the end, and where its values come from')
            [CompletionResult]::new('env', 'env', [CompletionResultType]::ParameterValue, 'Show where a variable gets its value, and what it overrode; or what to set for Compose')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Tell whether this machine is ready to build the project, and what mends it where not')
            [CompletionResult]::new('builder', 'builder', [CompletionResultType]::ParameterValue, 'Show, create, reset and remove builders of the project''s own (docs/builders.md)')
            [CompletionResult]::new('cache', 'cache', [CompletionResultType]::ParameterValue, 'Show what the project keeps from build to build, and remove it (docs/caches.md)')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'Show the runs of this project: what they did, their logs, and what became slower')
            [CompletionResult]::new('timeline', 'timeline', [CompletionResultType]::ParameterValue, 'Show a run as a picture in time: where it was slow, what lost its cache, what waited for what')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Propose what a repository needs so that everyone builds with dcb: `build.sh`, `build.ps1`, targets of make, and `x-dcb` where there is something to say (docs/init.md)')
            [CompletionResult]::new('ci', 'ci', [CompletionResultType]::ParameterValue, 'Print a pipeline that builds this project on a build server (docs/ci.md)')
            break
        }
        'dcb;build' {
            [CompletionResult]::new('--build-arg', '--build-arg', [CompletionResultType]::ParameterName, 'Set a build argument of every service; without `=VALUE` from the environment')
            [CompletionResult]::new('--secret', '--secret', [CompletionResultType]::ParameterName, 'Give every service that is built a secret: `id=NAME,src=FILE`, `id=NAME,env=VARIABLE`, or `id=NAME` for the variable or file of that name; repeatable')
            [CompletionResult]::new('--ssh', '--ssh', [CompletionResultType]::ParameterName, 'Forward an SSH agent to every service that is built: `default`, `NAME=SOCKET`, or `NAME=KEY[,KEY]`; repeatable')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many services build side by side [default: from processors and memory]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many services build side by side [default: from processors and memory]')
            [CompletionResult]::new('--variant', '--variant', [CompletionResultType]::ParameterName, 'Which form of compose files and Dockerfiles: `auto`, `test`, `test-local`, or another marker in their names')
            [CompletionResult]::new('--builder', '--builder', [CompletionResultType]::ParameterName, 'Build with this builder of buildx and no other (`docker buildx ls`)')
            [CompletionResult]::new('--fallback', '--fallback', [CompletionResultType]::ParameterName, 'When the builder itself stands in the way: take another way, ask, or fail')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the result there instead of into the engine: `DIR`, `type=tar,dest=FILE`, `-` for an archive on standard output; `oci` and `docker` are images in a file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the result there instead of into the engine: `DIR`, `type=tar,dest=FILE`, `-` for an archive on standard output; `oci` and `docker` are images in a file')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How `--check` prints what it finds')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('--no-cache', '--no-cache', [CompletionResultType]::ParameterName, 'Take nothing from the cache; the engine also empties the cache mounts in use')
            [CompletionResult]::new('--fail-fast', '--fail-fast', [CompletionResultType]::ParameterName, 'Stop everything at the first failure')
            [CompletionResult]::new('--keep-going', '--keep-going', [CompletionResultType]::ParameterName, 'Build what does not depend on a failure (the default)')
            [CompletionResult]::new('--force-traditional', '--force-traditional', [CompletionResultType]::ParameterName, 'Use the classic builder and traditional Dockerfiles')
            [CompletionResult]::new('--force-buildkit', '--force-buildkit', [CompletionResultType]::ParameterName, 'Use BuildKit or fail')
            [CompletionResult]::new('--no-fallback', '--no-fallback', [CompletionResultType]::ParameterName, 'Never take another way than planned')
            [CompletionResult]::new('--pull', '--pull', [CompletionResultType]::ParameterName, 'Look up base images in their registry, even those that are here')
            [CompletionResult]::new('--push', '--push', [CompletionResultType]::ParameterName, 'Push the images of services that have an `image:`, under it and all `tags:`')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Check the Dockerfiles and build nothing: what BuildKit advises against, with its place; exit code 1 when there is any')
            [CompletionResult]::new('--parallel', '--parallel', [CompletionResultType]::ParameterName, 'Accepted because Compose v1 had it: services always build side by side')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show the plan and build nothing')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;up' {
            [CompletionResult]::new('--build-arg', '--build-arg', [CompletionResultType]::ParameterName, 'Set a build argument of every service; without `=VALUE` from the environment')
            [CompletionResult]::new('--secret', '--secret', [CompletionResultType]::ParameterName, 'Give every service that is built a secret: `id=NAME,src=FILE`, `id=NAME,env=VARIABLE`, or `id=NAME` for the variable or file of that name; repeatable')
            [CompletionResult]::new('--ssh', '--ssh', [CompletionResultType]::ParameterName, 'Forward an SSH agent to every service that is built: `default`, `NAME=SOCKET`, or `NAME=KEY[,KEY]`; repeatable')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many services build side by side [default: from processors and memory]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many services build side by side [default: from processors and memory]')
            [CompletionResult]::new('--variant', '--variant', [CompletionResultType]::ParameterName, 'Which form of compose files and Dockerfiles: `auto`, `test`, `test-local`, or another marker in their names')
            [CompletionResult]::new('--builder', '--builder', [CompletionResultType]::ParameterName, 'Build with this builder of buildx and no other (`docker buildx ls`)')
            [CompletionResult]::new('--fallback', '--fallback', [CompletionResultType]::ParameterName, 'When the builder itself stands in the way: take another way, ask, or fail')
            [CompletionResult]::new('--pull', '--pull', [CompletionResultType]::ParameterName, 'Look up base images and the images of services that do not build in their registry; a policy other than `always` is Compose''s alone')
            [CompletionResult]::new('--wait-timeout', '--wait-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Seconds until a container is killed')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Seconds until a container is killed')
            [CompletionResult]::new('--scale', '--scale', [CompletionResultType]::ParameterName, 'Number of containers of a service')
            [CompletionResult]::new('--exit-code-from', '--exit-code-from', [CompletionResultType]::ParameterName, 'End with the exit code of this service')
            [CompletionResult]::new('--attach', '--attach', [CompletionResultType]::ParameterName, 'Attach to this service only')
            [CompletionResult]::new('--no-attach', '--no-attach', [CompletionResultType]::ParameterName, 'Do not attach to this service')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('--build', '--build', [CompletionResultType]::ParameterName, 'Build before starting (the default; accepted because Compose has it)')
            [CompletionResult]::new('--no-build', '--no-build', [CompletionResultType]::ParameterName, 'Start what is there, build nothing')
            [CompletionResult]::new('--no-cache', '--no-cache', [CompletionResultType]::ParameterName, 'Take nothing from the cache; the engine also empties the cache mounts in use')
            [CompletionResult]::new('--fail-fast', '--fail-fast', [CompletionResultType]::ParameterName, 'Stop everything at the first failure')
            [CompletionResult]::new('--keep-going', '--keep-going', [CompletionResultType]::ParameterName, 'Build what does not depend on a failure (the default)')
            [CompletionResult]::new('--force-traditional', '--force-traditional', [CompletionResultType]::ParameterName, 'Use the classic builder and traditional Dockerfiles')
            [CompletionResult]::new('--force-buildkit', '--force-buildkit', [CompletionResultType]::ParameterName, 'Use BuildKit or fail')
            [CompletionResult]::new('--no-fallback', '--no-fallback', [CompletionResultType]::ParameterName, 'Never take another way than planned')
            [CompletionResult]::new('--quiet-build', '--quiet-build', [CompletionResultType]::ParameterName, 'Print errors only while building')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show the plan and what would be run, and do nothing')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Start in the background')
            [CompletionResult]::new('--detach', '--detach', [CompletionResultType]::ParameterName, 'Start in the background')
            [CompletionResult]::new('--detached', '--detached', [CompletionResultType]::ParameterName, 'Start in the background')
            [CompletionResult]::new('--force-recreate', '--force-recreate', [CompletionResultType]::ParameterName, 'Recreate containers even if nothing changed')
            [CompletionResult]::new('--no-recreate', '--no-recreate', [CompletionResultType]::ParameterName, 'Keep containers that exist')
            [CompletionResult]::new('--always-recreate-deps', '--always-recreate-deps', [CompletionResultType]::ParameterName, 'Recreate the containers of dependencies too')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Renew anonymous volumes')
            [CompletionResult]::new('--renew-anon-volumes', '--renew-anon-volumes', [CompletionResultType]::ParameterName, 'Renew anonymous volumes')
            [CompletionResult]::new('--remove-orphans', '--remove-orphans', [CompletionResultType]::ParameterName, 'Remove containers of services that are gone')
            [CompletionResult]::new('--no-start', '--no-start', [CompletionResultType]::ParameterName, 'Create without starting')
            [CompletionResult]::new('--no-deps', '--no-deps', [CompletionResultType]::ParameterName, 'Leave dependencies alone')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait until services are running or healthy')
            [CompletionResult]::new('--abort-on-container-exit', '--abort-on-container-exit', [CompletionResultType]::ParameterName, 'Stop all when one ends')
            [CompletionResult]::new('--abort-on-container-failure', '--abort-on-container-failure', [CompletionResultType]::ParameterName, 'Stop all when one fails')
            [CompletionResult]::new('--attach-dependencies', '--attach-dependencies', [CompletionResultType]::ParameterName, 'Attach to dependencies too')
            [CompletionResult]::new('--no-color', '--no-color', [CompletionResultType]::ParameterName, 'No colours in the logs')
            [CompletionResult]::new('--no-log-prefix', '--no-log-prefix', [CompletionResultType]::ParameterName, 'No service names in the logs')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Times in the logs')
            [CompletionResult]::new('--quiet-pull', '--quiet-pull', [CompletionResultType]::ParameterName, 'Pull without progress')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Watch the sources and update')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Watch the sources and update')
            [CompletionResult]::new('--menu', '--menu', [CompletionResultType]::ParameterName, 'Shortcuts while attached')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('--y', '--y', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;plan' {
            [CompletionResult]::new('--build-arg', '--build-arg', [CompletionResultType]::ParameterName, 'Set a build argument of every service; without `=VALUE` from the environment')
            [CompletionResult]::new('--secret', '--secret', [CompletionResultType]::ParameterName, 'Give every service that is built a secret: `id=NAME,src=FILE`, `id=NAME,env=VARIABLE`, or `id=NAME` for the variable or file of that name; repeatable')
            [CompletionResult]::new('--ssh', '--ssh', [CompletionResultType]::ParameterName, 'Forward an SSH agent to every service that is built: `default`, `NAME=SOCKET`, or `NAME=KEY[,KEY]`; repeatable')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many services build side by side [default: from processors and memory]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many services build side by side [default: from processors and memory]')
            [CompletionResult]::new('--variant', '--variant', [CompletionResultType]::ParameterName, 'Which form of compose files and Dockerfiles: `auto`, `test`, `test-local`, or another marker in their names')
            [CompletionResult]::new('--builder', '--builder', [CompletionResultType]::ParameterName, 'Build with this builder of buildx and no other (`docker buildx ls`)')
            [CompletionResult]::new('--fallback', '--fallback', [CompletionResultType]::ParameterName, 'When the builder itself stands in the way: take another way, ask, or fail')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('--no-cache', '--no-cache', [CompletionResultType]::ParameterName, 'Take nothing from the cache; the engine also empties the cache mounts in use')
            [CompletionResult]::new('--fail-fast', '--fail-fast', [CompletionResultType]::ParameterName, 'Stop everything at the first failure')
            [CompletionResult]::new('--keep-going', '--keep-going', [CompletionResultType]::ParameterName, 'Build what does not depend on a failure (the default)')
            [CompletionResult]::new('--force-traditional', '--force-traditional', [CompletionResultType]::ParameterName, 'Use the classic builder and traditional Dockerfiles')
            [CompletionResult]::new('--force-buildkit', '--force-buildkit', [CompletionResultType]::ParameterName, 'Use BuildKit or fail')
            [CompletionResult]::new('--no-fallback', '--no-fallback', [CompletionResultType]::ParameterName, 'Never take another way than planned')
            [CompletionResult]::new('--pull', '--pull', [CompletionResultType]::ParameterName, 'Look up base images in their registry, even those that are here')
            [CompletionResult]::new('--push', '--push', [CompletionResultType]::ParameterName, 'Plan to push the images too')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;config' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print it [default: yaml]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'File to write instead of standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'File to write instead of standard output')
            [CompletionResult]::new('--hash', '--hash', [CompletionResultType]::ParameterName, 'Print the hash of a service''s configuration')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Say where each value was set, and what it overrode')
            [CompletionResult]::new('--services', '--services', [CompletionResultType]::ParameterName, 'Print the names of the services')
            [CompletionResult]::new('--images', '--images', [CompletionResultType]::ParameterName, 'Print the names of the images')
            [CompletionResult]::new('--variables', '--variables', [CompletionResultType]::ParameterName, 'Print the variables that the files use, with their defaults')
            [CompletionResult]::new('--environment', '--environment', [CompletionResultType]::ParameterName, 'Print the variables that are there to be used, with their values')
            [CompletionResult]::new('--profiles', '--profiles', [CompletionResultType]::ParameterName, 'Print the names of the profiles')
            [CompletionResult]::new('--networks', '--networks', [CompletionResultType]::ParameterName, 'Print the names of the networks')
            [CompletionResult]::new('--volumes', '--volumes', [CompletionResultType]::ParameterName, 'Print the names of the volumes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only check the project')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only check the project')
            [CompletionResult]::new('--lock-image-digests', '--lock-image-digests', [CompletionResultType]::ParameterName, 'Write an override file with the digests of images')
            [CompletionResult]::new('--resolve-image-digests', '--resolve-image-digests', [CompletionResultType]::ParameterName, 'Write images with their digests')
            [CompletionResult]::new('--models', '--models', [CompletionResultType]::ParameterName, 'Print the names of the models')
            [CompletionResult]::new('--no-interpolate', '--no-interpolate', [CompletionResultType]::ParameterName, 'Leave variables as they are')
            [CompletionResult]::new('--no-normalize', '--no-normalize', [CompletionResultType]::ParameterName, 'Leave out what nobody wrote')
            [CompletionResult]::new('--no-path-resolution', '--no-path-resolution', [CompletionResultType]::ParameterName, 'Leave paths as they are')
            [CompletionResult]::new('--no-env-resolution', '--no-env-resolution', [CompletionResultType]::ParameterName, 'Leave `env_file` as it is')
            [CompletionResult]::new('--no-consistency', '--no-consistency', [CompletionResultType]::ParameterName, 'Check no names')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;env' {
            [CompletionResult]::new('--service', '--service', [CompletionResultType]::ParameterName, 'Look into the containers of this service only; repeatable')
            [CompletionResult]::new('--shell', '--shell', [CompletionResultType]::ParameterName, 'Print the variables with which Docker Compose builds as dcb does, for `eval`')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('--show', '--show', [CompletionResultType]::ParameterName, 'Show values that look secret')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;doctor' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print it [default: text]')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Run only these checks or groups of checks, such as `engine,NET-01`')
            [CompletionResult]::new('--skip', '--skip', [CompletionResultType]::ParameterName, 'Leave these checks or groups of checks out')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'The same as --format json')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Fail where there is a warning, too')
            [CompletionResult]::new('--fix', '--fix', [CompletionResultType]::ParameterName, 'Mend what can be mended safely: show exactly what changes, ask, do it, and look again')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be changed, and change nothing')
            [CompletionResult]::new('--deep', '--deep', [CompletionResultType]::ParameterName, 'Also build an image of a step or two with every builder, twice, and remove it again')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Explain the checks named, or all of them, and look at nothing')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;builder' {
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'Show the builders that buildx knows here, and which one dcb builds with')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Create a builder of this project''s own: `dcb-PROJECT`')
            [CompletionResult]::new('reset', 'reset', [CompletionResultType]::ParameterValue, 'Create a builder of dcb''s again, with what it was created with: its cache goes')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Remove a builder of dcb''s, and its cache')
            break
        }
        'dcb;builder;ls' {
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;builder;create' {
            [CompletionResult]::new('--driver', '--driver', [CompletionResultType]::ParameterName, 'What it builds with: `docker-container`, `remote` or `kubernetes`')
            [CompletionResult]::new('--driver-opt', '--driver-opt', [CompletionResultType]::ParameterName, 'Option of the driver; repeatable')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Configuration of its BuildKit: a `buildkitd.toml`')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Where it is: a docker context, or for `remote` the address of its BuildKit')
            [CompletionResult]::new('--platform', '--platform', [CompletionResultType]::ParameterName, 'Platforms that it is to build for, whatever it says itself; repeatable')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('--bootstrap', '--bootstrap', [CompletionResultType]::ParameterName, 'Start it at once')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be run, and do nothing')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;builder;reset' {
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be run, and do nothing')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;builder;rm' {
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be run, and do nothing')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;cache' {
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON; docs/caches.md describes it')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Remove what takes room: layers without an image, files that were transferred')
            [CompletionResult]::new('clear', 'clear', [CompletionResultType]::ParameterValue, 'Remove all that services have, so that their next build begins anew')
            break
        }
        'dcb;cache;prune' {
            [CompletionResult]::new('--older', '--older', [CompletionResultType]::ParameterName, 'Only what no build has used for so long: `90m`, `24h`, `7d`')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Only until no more than this is left, the least recently used first: `500MB`, `10GB`')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('--mounts', '--mounts', [CompletionResultType]::ParameterName, 'Cache mounts too')
            [CompletionResult]::new('--shared', '--shared', [CompletionResultType]::ParameterName, 'Among them those that other projects may use as well')
            [CompletionResult]::new('--all-projects', '--all-projects', [CompletionResultType]::ParameterName, 'Of all projects of this engine, and of whoever else built on it')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be removed, and do nothing')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON; docs/caches.md describes it')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;cache;clear' {
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All services of the project')
            [CompletionResult]::new('--shared', '--shared', [CompletionResultType]::ParameterName, 'Cache mounts too that other projects may use as well')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be removed, and do nothing')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON; docs/caches.md describes it')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;history' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'The runs that are kept, and what is slower than usual')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'One run: its steps, and how it ended')
            [CompletionResult]::new('log', 'log', [CompletionResultType]::ParameterValue, 'The log of a run, or of one service, or of one step')
            [CompletionResult]::new('compare', 'compare', [CompletionResultType]::ParameterValue, 'What became slower from one run to another, and what lost its cache')
            break
        }
        'dcb;history;list' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;history;show' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;history;log' {
            [CompletionResult]::new('--run', '--run', [CompletionResultType]::ParameterName, 'The run''s number [default: the newest]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;history;compare' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;timeline' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'File with the events of a run, as `--progress json` prints them; `-` reads standard input')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'File to write, `-` for standard output [default: `dcb-timeline.html`, `dcb-timeline.json`]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'File to write, `-` for standard output [default: `dcb-timeline.html`, `dcb-timeline.json`]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'What to write')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;init' {
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Write what is proposed without asking')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Write what is proposed without asking')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be written, and write nothing')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Propose to replace scripts that do what dcb cannot know, too')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dcb;ci' {
            [CompletionResult]::new('--cache', '--cache', [CompletionResultType]::ParameterName, 'Where the build cache is kept between two runs: `gha`, `registry=IMAGE`, `local`, or `none` [default: what the build server has]')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'How progress is shown [default: `tty` on a terminal, else `plain`]')
            [CompletionResult]::new('--push', '--push', [CompletionResultType]::ParameterName, 'Push the images of services that have an `image:`, but for changes that are only proposed')
            [CompletionResult]::new('--force-traditional', '--force-traditional', [CompletionResultType]::ParameterName, 'Use the classic builder and traditional Dockerfiles')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show what is run, and the log of every step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
