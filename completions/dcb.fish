# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_dcb_global_optspecs
    string join \n f/file= p/project-name= project-directory= env-file= profile= parallel= compatibility v/verbose progress= h/help V/version
end

function __fish_dcb_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_dcb_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_dcb_using_subcommand
    set -l cmd (__fish_dcb_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c dcb -n "__fish_dcb_needs_command" -s f -l file -d 'Compose file; repeat it to merge several, `-` reads standard input' -r
complete -c dcb -n "__fish_dcb_needs_command" -s p -l project-name -d 'Project name' -r
complete -c dcb -n "__fish_dcb_needs_command" -l project-directory -d 'Directory that relative paths start from [default: that of the first file]' -r -F
complete -c dcb -n "__fish_dcb_needs_command" -l env-file -d 'File with variables, instead of `.env`; repeatable' -r -F
complete -c dcb -n "__fish_dcb_needs_command" -l profile -d 'Profile to switch on; repeatable' -r
complete -c dcb -n "__fish_dcb_needs_command" -l parallel -d 'How many things are done side by side, as Compose has it; -1 is no limit' -r
complete -c dcb -n "__fish_dcb_needs_command" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_needs_command" -l compatibility -d 'Name images and containers as Compose v1 did (`project_service`)'
complete -c dcb -n "__fish_dcb_needs_command" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_needs_command" -s V -l version -d 'Print version'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "build" -d 'Build the images of the project, or of the services named'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "up" -d 'Build what has changed, then start the services through Docker Compose'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "dev" -d 'Build what has changed and start it in the background: `dcb up --detach`'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "fresh" -d 'Build everything anew, with nothing from the cache: `dcb build --no-cache`. Nothing is started'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "rebuild" -d 'Build everything anew; then, when that worked, take down what runs and start it'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "reset" -d 'Build everything anew, then remove what the project has, volumes included, and start it'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "clean" -d 'Remove what the project has: containers, networks and the images that were built for it'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "verify" -d 'Start the services that do not run, check that they all work, and take those down again'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "plan" -d 'Show what would be built, how, and why'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "config" -d 'Show the project as it is in the end, and where its values come from'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "env" -d 'Show where a variable gets its value, and what it overrode; or what to set for Compose'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "doctor" -d 'Tell whether this machine is ready to build the project, and what mends it where not'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "builder" -d 'Show, create, reset and remove builders of the project\'s own (docs/builders.md)'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "cache" -d 'Show what the project keeps from build to build, and remove it (docs/caches.md)'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "history" -d 'Show the runs of this project: what they did, their logs, and what became slower'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "timeline" -d 'Show a run as a picture in time: where it was slow, what lost its cache, what waited for what'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "init" -d 'Propose what a repository needs so that everyone builds with dcb: `build.sh`, `build.ps1`, targets of make, and `x-dcb` where there is something to say (docs/init.md)'
complete -c dcb -n "__fish_dcb_needs_command" -f -a "ci" -d 'Print a pipeline that builds this project on a build server (docs/ci.md)'
complete -c dcb -n "__fish_dcb_using_subcommand build" -l no-cache -d 'Run every step again. Alone it also empties the cache mounts in use, as Docker has it; `layers` keeps what is in them; `SERVICE` and `SERVICE:STAGE` are for these only; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand build" -l build-arg -d 'Set a build argument of every service; without `=VALUE` from the environment' -r
complete -c dcb -n "__fish_dcb_using_subcommand build" -l secret -d 'Give every service that is built a secret: `id=NAME,src=FILE`, `id=NAME,env=VARIABLE`, or `id=NAME` for the variable or file of that name; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand build" -l ssh -d 'Forward an SSH agent to every service that is built: `default`, `NAME=SOCKET`, or `NAME=KEY[,KEY]`; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand build" -s j -l jobs -d 'How many services build side by side [default: from processors and memory]' -r
complete -c dcb -n "__fish_dcb_using_subcommand build" -l variant -d 'Which form of compose files and Dockerfiles: `auto`, `test`, `test-local`, or another marker in their names' -r
complete -c dcb -n "__fish_dcb_using_subcommand build" -l builder -d 'Build with this builder of buildx and no other (`docker buildx ls`)' -r
complete -c dcb -n "__fish_dcb_using_subcommand build" -l fallback -d 'When the builder itself stands in the way: take another way, ask, or fail' -r -f -a "auto\t'Whenever the builder is to blame, and say so'
ask\t'When the user agrees'
never\t'Never'"
complete -c dcb -n "__fish_dcb_using_subcommand build" -s o -l output -d 'Write the result there instead of into the engine: `DIR`, `type=tar,dest=FILE`, `-` for an archive on standard output; `oci` and `docker` are images in a file' -r
complete -c dcb -n "__fish_dcb_using_subcommand build" -l format -d 'How `--check` prints what it finds' -r -f -a "text\t'For people'
json\t'For programs; docs/check.md describes it'"
complete -c dcb -n "__fish_dcb_using_subcommand build" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand build" -l fail-fast -d 'Stop everything at the first failure'
complete -c dcb -n "__fish_dcb_using_subcommand build" -l keep-going -d 'Build what does not depend on a failure (the default)'
complete -c dcb -n "__fish_dcb_using_subcommand build" -l force-traditional -d 'Use the classic builder and traditional Dockerfiles'
complete -c dcb -n "__fish_dcb_using_subcommand build" -l force-buildkit -d 'Use BuildKit or fail'
complete -c dcb -n "__fish_dcb_using_subcommand build" -l no-fallback -d 'Never take another way than planned'
complete -c dcb -n "__fish_dcb_using_subcommand build" -l pull -d 'Look up base images in their registry, even those that are here'
complete -c dcb -n "__fish_dcb_using_subcommand build" -l push -d 'Push the images of services that have an `image:`, under it and all `tags:`'
complete -c dcb -n "__fish_dcb_using_subcommand build" -l check -d 'Check the Dockerfiles and build nothing: what BuildKit advises against, with its place; exit code 1 when there is any'
complete -c dcb -n "__fish_dcb_using_subcommand build" -l parallel -d 'Accepted because Compose v1 had it: services always build side by side'
complete -c dcb -n "__fish_dcb_using_subcommand build" -l dry-run -d 'Show the plan and build nothing'
complete -c dcb -n "__fish_dcb_using_subcommand build" -s q -l quiet -d 'Print errors only'
complete -c dcb -n "__fish_dcb_using_subcommand build" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand build" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l no-cache -d 'Run every step again. Alone it also empties the cache mounts in use, as Docker has it; `layers` keeps what is in them; `SERVICE` and `SERVICE:STAGE` are for these only; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand up" -l build-arg -d 'Set a build argument of every service; without `=VALUE` from the environment' -r
complete -c dcb -n "__fish_dcb_using_subcommand up" -l secret -d 'Give every service that is built a secret: `id=NAME,src=FILE`, `id=NAME,env=VARIABLE`, or `id=NAME` for the variable or file of that name; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand up" -l ssh -d 'Forward an SSH agent to every service that is built: `default`, `NAME=SOCKET`, or `NAME=KEY[,KEY]`; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand up" -s j -l jobs -d 'How many services build side by side [default: from processors and memory]' -r
complete -c dcb -n "__fish_dcb_using_subcommand up" -l variant -d 'Which form of compose files and Dockerfiles: `auto`, `test`, `test-local`, or another marker in their names' -r
complete -c dcb -n "__fish_dcb_using_subcommand up" -l builder -d 'Build with this builder of buildx and no other (`docker buildx ls`)' -r
complete -c dcb -n "__fish_dcb_using_subcommand up" -l fallback -d 'When the builder itself stands in the way: take another way, ask, or fail' -r -f -a "auto\t'Whenever the builder is to blame, and say so'
ask\t'When the user agrees'
never\t'Never'"
complete -c dcb -n "__fish_dcb_using_subcommand up" -l pull -d 'Look up base images and the images of services that do not build in their registry; a policy other than `always` is Compose\'s alone' -r -f -a "always\t''
missing\t''
never\t''
build\t''
policy\t''"
complete -c dcb -n "__fish_dcb_using_subcommand up" -l wait-timeout -d 'Seconds to wait' -r
complete -c dcb -n "__fish_dcb_using_subcommand up" -s t -l timeout -d 'Seconds until a container is killed' -r
complete -c dcb -n "__fish_dcb_using_subcommand up" -l scale -d 'Number of containers of a service' -r
complete -c dcb -n "__fish_dcb_using_subcommand up" -l exit-code-from -d 'End with the exit code of this service' -r
complete -c dcb -n "__fish_dcb_using_subcommand up" -l attach -d 'Attach to this service only' -r
complete -c dcb -n "__fish_dcb_using_subcommand up" -l no-attach -d 'Do not attach to this service' -r
complete -c dcb -n "__fish_dcb_using_subcommand up" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand up" -l build -d 'Build before starting (the default; accepted because Compose has it)'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l no-build -d 'Start what is there, build nothing'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l fail-fast -d 'Stop everything at the first failure'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l keep-going -d 'Build what does not depend on a failure (the default)'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l force-traditional -d 'Use the classic builder and traditional Dockerfiles'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l force-buildkit -d 'Use BuildKit or fail'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l no-fallback -d 'Never take another way than planned'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l quiet-build -d 'Print errors only while building'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l dry-run -d 'Show the plan and what would be run, and do nothing'
complete -c dcb -n "__fish_dcb_using_subcommand up" -s d -l detach -l detached -d 'Start in the background'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l force-recreate -d 'Recreate containers even if nothing changed'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l no-recreate -d 'Keep containers that exist'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l always-recreate-deps -d 'Recreate the containers of dependencies too'
complete -c dcb -n "__fish_dcb_using_subcommand up" -s V -l renew-anon-volumes -d 'Renew anonymous volumes'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l remove-orphans -d 'Remove containers of services that are gone'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l no-start -d 'Create without starting'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l no-deps -d 'Leave dependencies alone'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l wait -d 'Wait until services are running or healthy'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l abort-on-container-exit -d 'Stop all when one ends'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l abort-on-container-failure -d 'Stop all when one fails'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l attach-dependencies -d 'Attach to dependencies too'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l no-color -d 'No colours in the logs'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l no-log-prefix -d 'No service names in the logs'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l timestamps -d 'Times in the logs'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l quiet-pull -d 'Pull without progress'
complete -c dcb -n "__fish_dcb_using_subcommand up" -s w -l watch -d 'Watch the sources and update'
complete -c dcb -n "__fish_dcb_using_subcommand up" -l menu -d 'Shortcuts while attached'
complete -c dcb -n "__fish_dcb_using_subcommand up" -s y -l yes -l y -d 'Answer every question with yes'
complete -c dcb -n "__fish_dcb_using_subcommand up" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand up" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l no-cache -d 'Run every step again. Alone it also empties the cache mounts in use, as Docker has it; `layers` keeps what is in them; `SERVICE` and `SERVICE:STAGE` are for these only; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l build-arg -d 'Set a build argument of every service; without `=VALUE` from the environment' -r
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l secret -d 'Give every service that is built a secret: `id=NAME,src=FILE`, `id=NAME,env=VARIABLE`, or `id=NAME` for the variable or file of that name; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l ssh -d 'Forward an SSH agent to every service that is built: `default`, `NAME=SOCKET`, or `NAME=KEY[,KEY]`; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand dev" -s j -l jobs -d 'How many services build side by side [default: from processors and memory]' -r
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l variant -d 'Which form of compose files and Dockerfiles: `auto`, `test`, `test-local`, or another marker in their names' -r
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l builder -d 'Build with this builder of buildx and no other (`docker buildx ls`)' -r
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l fallback -d 'When the builder itself stands in the way: take another way, ask, or fail' -r -f -a "auto\t'Whenever the builder is to blame, and say so'
ask\t'When the user agrees'
never\t'Never'"
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l pull -d 'Look up base images and the images of services that do not build in their registry; a policy other than `always` is Compose\'s alone' -r -f -a "always\t''
missing\t''
never\t''
build\t''
policy\t''"
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l wait-timeout -d 'Seconds to wait' -r
complete -c dcb -n "__fish_dcb_using_subcommand dev" -s t -l timeout -d 'Seconds until a container is killed' -r
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l scale -d 'Number of containers of a service' -r
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l exit-code-from -d 'End with the exit code of this service' -r
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l attach -d 'Attach to this service only' -r
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l no-attach -d 'Do not attach to this service' -r
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l build -d 'Build before starting (the default; accepted because Compose has it)'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l no-build -d 'Start what is there, build nothing'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l fail-fast -d 'Stop everything at the first failure'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l keep-going -d 'Build what does not depend on a failure (the default)'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l force-traditional -d 'Use the classic builder and traditional Dockerfiles'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l force-buildkit -d 'Use BuildKit or fail'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l no-fallback -d 'Never take another way than planned'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l quiet-build -d 'Print errors only while building'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l dry-run -d 'Show the plan and what would be run, and do nothing'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -s d -l detach -l detached -d 'Start in the background'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l force-recreate -d 'Recreate containers even if nothing changed'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l no-recreate -d 'Keep containers that exist'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l always-recreate-deps -d 'Recreate the containers of dependencies too'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -s V -l renew-anon-volumes -d 'Renew anonymous volumes'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l remove-orphans -d 'Remove containers of services that are gone'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l no-start -d 'Create without starting'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l no-deps -d 'Leave dependencies alone'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l wait -d 'Wait until services are running or healthy'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l abort-on-container-exit -d 'Stop all when one ends'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l abort-on-container-failure -d 'Stop all when one fails'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l attach-dependencies -d 'Attach to dependencies too'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l no-color -d 'No colours in the logs'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l no-log-prefix -d 'No service names in the logs'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l timestamps -d 'Times in the logs'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l quiet-pull -d 'Pull without progress'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -s w -l watch -d 'Watch the sources and update'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -l menu -d 'Shortcuts while attached'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -s y -l yes -l y -d 'Answer every question with yes'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand dev" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l no-cache -d 'Run every step again. Alone it also empties the cache mounts in use, as Docker has it; `layers` keeps what is in them; `SERVICE` and `SERVICE:STAGE` are for these only; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l build-arg -d 'Set a build argument of every service; without `=VALUE` from the environment' -r
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l secret -d 'Give every service that is built a secret: `id=NAME,src=FILE`, `id=NAME,env=VARIABLE`, or `id=NAME` for the variable or file of that name; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l ssh -d 'Forward an SSH agent to every service that is built: `default`, `NAME=SOCKET`, or `NAME=KEY[,KEY]`; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -s j -l jobs -d 'How many services build side by side [default: from processors and memory]' -r
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l variant -d 'Which form of compose files and Dockerfiles: `auto`, `test`, `test-local`, or another marker in their names' -r
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l builder -d 'Build with this builder of buildx and no other (`docker buildx ls`)' -r
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l fallback -d 'When the builder itself stands in the way: take another way, ask, or fail' -r -f -a "auto\t'Whenever the builder is to blame, and say so'
ask\t'When the user agrees'
never\t'Never'"
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -s o -l output -d 'Write the result there instead of into the engine: `DIR`, `type=tar,dest=FILE`, `-` for an archive on standard output; `oci` and `docker` are images in a file' -r
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l format -d 'How `--check` prints what it finds' -r -f -a "text\t'For people'
json\t'For programs; docs/check.md describes it'"
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l fail-fast -d 'Stop everything at the first failure'
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l keep-going -d 'Build what does not depend on a failure (the default)'
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l force-traditional -d 'Use the classic builder and traditional Dockerfiles'
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l force-buildkit -d 'Use BuildKit or fail'
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l no-fallback -d 'Never take another way than planned'
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l pull -d 'Look up base images in their registry, even those that are here'
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l push -d 'Push the images of services that have an `image:`, under it and all `tags:`'
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l check -d 'Check the Dockerfiles and build nothing: what BuildKit advises against, with its place; exit code 1 when there is any'
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l parallel -d 'Accepted because Compose v1 had it: services always build side by side'
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -l dry-run -d 'Show the plan and build nothing'
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -s q -l quiet -d 'Print errors only'
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand fresh" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l no-cache -d 'Run every step again. Alone it also empties the cache mounts in use, as Docker has it; `layers` keeps what is in them; `SERVICE` and `SERVICE:STAGE` are for these only; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l build-arg -d 'Set a build argument of every service; without `=VALUE` from the environment' -r
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l secret -d 'Give every service that is built a secret: `id=NAME,src=FILE`, `id=NAME,env=VARIABLE`, or `id=NAME` for the variable or file of that name; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l ssh -d 'Forward an SSH agent to every service that is built: `default`, `NAME=SOCKET`, or `NAME=KEY[,KEY]`; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -s j -l jobs -d 'How many services build side by side [default: from processors and memory]' -r
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l variant -d 'Which form of compose files and Dockerfiles: `auto`, `test`, `test-local`, or another marker in their names' -r
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l builder -d 'Build with this builder of buildx and no other (`docker buildx ls`)' -r
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l fallback -d 'When the builder itself stands in the way: take another way, ask, or fail' -r -f -a "auto\t'Whenever the builder is to blame, and say so'
ask\t'When the user agrees'
never\t'Never'"
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l wait-timeout -d 'Seconds to wait' -r
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -s t -l timeout -d 'Seconds until a container is killed' -r
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l scale -d 'Number of containers of a service' -r
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l exit-code-from -d 'End with the exit code of this service' -r
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l attach -d 'Attach to this service only' -r
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l no-attach -d 'Do not attach to this service' -r
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l fail-fast -d 'Stop everything at the first failure'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l keep-going -d 'Build what does not depend on a failure (the default)'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l force-traditional -d 'Use the classic builder and traditional Dockerfiles'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l force-buildkit -d 'Use BuildKit or fail'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l no-fallback -d 'Never take another way than planned'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l pull -d 'Look up base images and the images of services that do not build in their registry'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l quiet-build -d 'Print errors only while building'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l dry-run -d 'Show the plan and what would be run, and do nothing'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -s d -l detach -l detached -d 'Start in the background'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l force-recreate -d 'Recreate containers even if nothing changed'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l no-recreate -d 'Keep containers that exist'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l always-recreate-deps -d 'Recreate the containers of dependencies too'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -s V -l renew-anon-volumes -d 'Renew anonymous volumes'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l remove-orphans -d 'Remove containers of services that are gone'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l no-start -d 'Create without starting'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l no-deps -d 'Leave dependencies alone'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l wait -d 'Wait until services are running or healthy'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l abort-on-container-exit -d 'Stop all when one ends'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l abort-on-container-failure -d 'Stop all when one fails'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l attach-dependencies -d 'Attach to dependencies too'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l no-color -d 'No colours in the logs'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l no-log-prefix -d 'No service names in the logs'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l timestamps -d 'Times in the logs'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l quiet-pull -d 'Pull without progress'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -s w -l watch -d 'Watch the sources and update'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -l menu -d 'Shortcuts while attached'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -s y -l yes -l y -d 'Answer every question with yes'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand rebuild" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l no-cache -d 'Run every step again. Alone it also empties the cache mounts in use, as Docker has it; `layers` keeps what is in them; `SERVICE` and `SERVICE:STAGE` are for these only; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l build-arg -d 'Set a build argument of every service; without `=VALUE` from the environment' -r
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l secret -d 'Give every service that is built a secret: `id=NAME,src=FILE`, `id=NAME,env=VARIABLE`, or `id=NAME` for the variable or file of that name; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l ssh -d 'Forward an SSH agent to every service that is built: `default`, `NAME=SOCKET`, or `NAME=KEY[,KEY]`; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand reset" -s j -l jobs -d 'How many services build side by side [default: from processors and memory]' -r
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l variant -d 'Which form of compose files and Dockerfiles: `auto`, `test`, `test-local`, or another marker in their names' -r
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l builder -d 'Build with this builder of buildx and no other (`docker buildx ls`)' -r
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l fallback -d 'When the builder itself stands in the way: take another way, ask, or fail' -r -f -a "auto\t'Whenever the builder is to blame, and say so'
ask\t'When the user agrees'
never\t'Never'"
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand reset" -s y -l yes -d 'Do not ask'
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l fail-fast -d 'Stop everything at the first failure'
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l keep-going -d 'Build what does not depend on a failure (the default)'
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l force-traditional -d 'Use the classic builder and traditional Dockerfiles'
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l force-buildkit -d 'Use BuildKit or fail'
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l no-fallback -d 'Never take another way than planned'
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l pull -d 'Look up base images and the images of services that do not build in their registry'
complete -c dcb -n "__fish_dcb_using_subcommand reset" -l dry-run -d 'Show what goes, the plan and what would be run, and do nothing'
complete -c dcb -n "__fish_dcb_using_subcommand reset" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand clean" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand clean" -l volumes -d 'Volumes too, with all that is in them'
complete -c dcb -n "__fish_dcb_using_subcommand clean" -l all-projects -d 'What all Compose projects of the engine have, whoever they belong to'
complete -c dcb -n "__fish_dcb_using_subcommand clean" -s y -l yes -d 'Do not ask'
complete -c dcb -n "__fish_dcb_using_subcommand clean" -l dry-run -d 'Show what goes, and do nothing'
complete -c dcb -n "__fish_dcb_using_subcommand clean" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand clean" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand verify" -l timeout -d 'Seconds that a service may take until it works' -r
complete -c dcb -n "__fish_dcb_using_subcommand verify" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand verify" -l keep -d 'Leave running what was started for it'
complete -c dcb -n "__fish_dcb_using_subcommand verify" -l dry-run -d 'Show what would be started and checked, and do nothing'
complete -c dcb -n "__fish_dcb_using_subcommand verify" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l no-cache -d 'Run every step again. Alone it also empties the cache mounts in use, as Docker has it; `layers` keeps what is in them; `SERVICE` and `SERVICE:STAGE` are for these only; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l build-arg -d 'Set a build argument of every service; without `=VALUE` from the environment' -r
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l secret -d 'Give every service that is built a secret: `id=NAME,src=FILE`, `id=NAME,env=VARIABLE`, or `id=NAME` for the variable or file of that name; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l ssh -d 'Forward an SSH agent to every service that is built: `default`, `NAME=SOCKET`, or `NAME=KEY[,KEY]`; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand plan" -s j -l jobs -d 'How many services build side by side [default: from processors and memory]' -r
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l variant -d 'Which form of compose files and Dockerfiles: `auto`, `test`, `test-local`, or another marker in their names' -r
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l builder -d 'Build with this builder of buildx and no other (`docker buildx ls`)' -r
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l fallback -d 'When the builder itself stands in the way: take another way, ask, or fail' -r -f -a "auto\t'Whenever the builder is to blame, and say so'
ask\t'When the user agrees'
never\t'Never'"
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l format -d 'How to print it' -r -f -a "text\t'For people'
json\t'For programs; docs/plan.md describes it'"
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l fail-fast -d 'Stop everything at the first failure'
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l keep-going -d 'Build what does not depend on a failure (the default)'
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l force-traditional -d 'Use the classic builder and traditional Dockerfiles'
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l force-buildkit -d 'Use BuildKit or fail'
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l no-fallback -d 'Never take another way than planned'
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l pull -d 'Look up base images in their registry, even those that are here'
complete -c dcb -n "__fish_dcb_using_subcommand plan" -l push -d 'Plan to push the images too'
complete -c dcb -n "__fish_dcb_using_subcommand plan" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l format -d 'How to print it [default: yaml]' -r -f -a "yaml\t'As a compose file'
json\t'For programs; docs/config.md describes it'"
complete -c dcb -n "__fish_dcb_using_subcommand config" -s o -l output -d 'File to write instead of standard output' -r -F
complete -c dcb -n "__fish_dcb_using_subcommand config" -l hash -d 'Print the hash of a service\'s configuration' -r
complete -c dcb -n "__fish_dcb_using_subcommand config" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand config" -l origin -d 'Say where each value was set, and what it overrode'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l services -d 'Print the names of the services'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l images -d 'Print the names of the images'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l variables -d 'Print the variables that the files use, with their defaults'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l environment -d 'Print the variables that are there to be used, with their values'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l profiles -d 'Print the names of the profiles'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l networks -d 'Print the names of the networks'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l volumes -d 'Print the names of the volumes'
complete -c dcb -n "__fish_dcb_using_subcommand config" -s q -l quiet -d 'Only check the project'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l lock-image-digests -d 'Write an override file with the digests of images'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l resolve-image-digests -d 'Write images with their digests'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l models -d 'Print the names of the models'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l no-interpolate -d 'Leave variables as they are'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l no-normalize -d 'Leave out what nobody wrote'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l no-path-resolution -d 'Leave paths as they are'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l no-env-resolution -d 'Leave `env_file` as it is'
complete -c dcb -n "__fish_dcb_using_subcommand config" -l no-consistency -d 'Check no names'
complete -c dcb -n "__fish_dcb_using_subcommand config" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand env" -l service -d 'Look into the containers of this service only; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand env" -l shell -d 'Print the variables with which Docker Compose builds as dcb does, for `eval`' -r -f -a "posix\t'sh, bash, zsh and the like'
fish\t'fish'
powershell\t'PowerShell'"
complete -c dcb -n "__fish_dcb_using_subcommand env" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand env" -l show -d 'Show values that look secret'
complete -c dcb -n "__fish_dcb_using_subcommand env" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand env" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand doctor" -l format -d 'How to print it [default: text]' -r -f -a "text\t'For people'
json\t'For programs; docs/doctor.md describes it'
markdown\t'For bug reports, with nothing secret in it'"
complete -c dcb -n "__fish_dcb_using_subcommand doctor" -l only -d 'Run only these checks or groups of checks, such as `engine,NET-01`' -r
complete -c dcb -n "__fish_dcb_using_subcommand doctor" -l skip -d 'Leave these checks or groups of checks out' -r
complete -c dcb -n "__fish_dcb_using_subcommand doctor" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand doctor" -l json -d 'The same as --format json'
complete -c dcb -n "__fish_dcb_using_subcommand doctor" -l strict -d 'Fail where there is a warning, too'
complete -c dcb -n "__fish_dcb_using_subcommand doctor" -l fix -d 'Mend what can be mended safely: show exactly what changes, ask, do it, and look again'
complete -c dcb -n "__fish_dcb_using_subcommand doctor" -s y -l yes -d 'Do not ask'
complete -c dcb -n "__fish_dcb_using_subcommand doctor" -l dry-run -d 'Show what would be changed, and change nothing'
complete -c dcb -n "__fish_dcb_using_subcommand doctor" -l deep -d 'Also have the frontend check the Dockerfiles, and try every builder with a small image'
complete -c dcb -n "__fish_dcb_using_subcommand doctor" -l explain -d 'Explain the checks named, or all of them, and look at nothing'
complete -c dcb -n "__fish_dcb_using_subcommand doctor" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and not __fish_seen_subcommand_from ls create reset rm" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand builder; and not __fish_seen_subcommand_from ls create reset rm" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and not __fish_seen_subcommand_from ls create reset rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and not __fish_seen_subcommand_from ls create reset rm" -f -a "ls" -d 'Show the builders that buildx knows here, and which one dcb builds with'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and not __fish_seen_subcommand_from ls create reset rm" -f -a "create" -d 'Create a builder of this project\'s own: `dcb-PROJECT`'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and not __fish_seen_subcommand_from ls create reset rm" -f -a "reset" -d 'Create a builder of dcb\'s again, with what it was created with: its cache goes'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and not __fish_seen_subcommand_from ls create reset rm" -f -a "rm" -d 'Remove a builder of dcb\'s, and its cache'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from ls" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from create" -l driver -d 'What it builds with: `docker-container`, `remote` or `kubernetes`' -r
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from create" -l driver-opt -d 'Option of the driver; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from create" -l config -d 'Configuration of its BuildKit: a `buildkitd.toml`' -r -F
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from create" -l endpoint -d 'Where it is: a docker context, or for `remote` the address of its BuildKit' -r
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from create" -l platform -d 'Platforms that it is to build for, whatever it says itself; repeatable' -r
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from create" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from create" -l bootstrap -d 'Start it at once'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from create" -l dry-run -d 'Show what would be run, and do nothing'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from reset" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from reset" -s y -l yes -d 'Do not ask'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from reset" -l dry-run -d 'Show what would be run, and do nothing'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from reset" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from rm" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from rm" -s y -l yes -d 'Do not ask'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from rm" -l dry-run -d 'Show what would be run, and do nothing'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from rm" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand builder; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and not __fish_seen_subcommand_from prune clear" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand cache; and not __fish_seen_subcommand_from prune clear" -l json -d 'Print JSON; docs/caches.md describes it'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and not __fish_seen_subcommand_from prune clear" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and not __fish_seen_subcommand_from prune clear" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and not __fish_seen_subcommand_from prune clear" -f -a "prune" -d 'Remove what takes room: layers without an image, files that were transferred'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and not __fish_seen_subcommand_from prune clear" -f -a "clear" -d 'Remove all that services have, so that their next build begins anew'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from prune" -l older -d 'Only what no build has used for so long: `90m`, `24h`, `7d`' -r
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from prune" -l keep -d 'Only until no more than this is left, the least recently used first: `500MB`, `10GB`' -r
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from prune" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from prune" -l mounts -d 'Cache mounts too'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from prune" -l shared -d 'Among them those that other projects may use as well'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from prune" -l all-projects -d 'Of all projects of this engine, and of whoever else built on it'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from prune" -s y -l yes -d 'Do not ask'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from prune" -l dry-run -d 'Show what would be removed, and do nothing'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from prune" -l json -d 'Print JSON; docs/caches.md describes it'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from prune" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from clear" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from clear" -l all -d 'All services of the project'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from clear" -l shared -d 'Cache mounts too that other projects may use as well'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from clear" -s y -l yes -d 'Do not ask'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from clear" -l dry-run -d 'Show what would be removed, and do nothing'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from clear" -l json -d 'Print JSON; docs/caches.md describes it'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from clear" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand cache; and __fish_seen_subcommand_from clear" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand history; and not __fish_seen_subcommand_from list show log compare" -l format -d 'How to print it' -r -f -a "text\t'For people'
json\t'For programs; docs/plan.md describes it'"
complete -c dcb -n "__fish_dcb_using_subcommand history; and not __fish_seen_subcommand_from list show log compare" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand history; and not __fish_seen_subcommand_from list show log compare" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand history; and not __fish_seen_subcommand_from list show log compare" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand history; and not __fish_seen_subcommand_from list show log compare" -f -a "list" -d 'The runs that are kept, and what is slower than usual'
complete -c dcb -n "__fish_dcb_using_subcommand history; and not __fish_seen_subcommand_from list show log compare" -f -a "show" -d 'One run: its steps, and how it ended'
complete -c dcb -n "__fish_dcb_using_subcommand history; and not __fish_seen_subcommand_from list show log compare" -f -a "log" -d 'The log of a run, or of one service, or of one step'
complete -c dcb -n "__fish_dcb_using_subcommand history; and not __fish_seen_subcommand_from list show log compare" -f -a "compare" -d 'What became slower from one run to another, and what lost its cache'
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from list" -l format -d 'How to print it' -r -f -a "text\t'For people'
json\t'For programs; docs/plan.md describes it'"
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from list" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from show" -l format -d 'How to print it' -r -f -a "text\t'For people'
json\t'For programs; docs/plan.md describes it'"
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from show" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from log" -l run -d 'The run\'s number [default: the newest]' -r
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from log" -l format -d 'How to print it' -r -f -a "text\t'For people'
json\t'For programs; docs/plan.md describes it'"
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from log" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from log" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from log" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from compare" -l format -d 'How to print it' -r -f -a "text\t'For people'
json\t'For programs; docs/plan.md describes it'"
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from compare" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from compare" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand history; and __fish_seen_subcommand_from compare" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand timeline" -l from -d 'File with the events of a run, as `--progress json` prints them; `-` reads standard input' -r -F
complete -c dcb -n "__fish_dcb_using_subcommand timeline" -s o -l output -d 'File to write, `-` for standard output [default: `dcb-timeline.html`, `dcb-timeline.json`]' -r -F
complete -c dcb -n "__fish_dcb_using_subcommand timeline" -l format -d 'What to write' -r -f -a "html\t'A page for a browser, one file that needs no other'
trace\t'A trace for Perfetto, also for Chrome\'s own viewer'"
complete -c dcb -n "__fish_dcb_using_subcommand timeline" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand timeline" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand timeline" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand init" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand init" -s y -l yes -d 'Write what is proposed without asking'
complete -c dcb -n "__fish_dcb_using_subcommand init" -l dry-run -d 'Show what would be written, and write nothing'
complete -c dcb -n "__fish_dcb_using_subcommand init" -l force -d 'Propose to replace scripts that do what dcb cannot know, too'
complete -c dcb -n "__fish_dcb_using_subcommand init" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dcb -n "__fish_dcb_using_subcommand ci" -l cache -d 'Where the build cache is kept between two runs: `gha`, `registry=IMAGE`, `local`, or `none` [default: what the build server has]' -r
complete -c dcb -n "__fish_dcb_using_subcommand ci" -l progress -d 'How progress is shown [default: `tty` on a terminal, else `plain`]' -r -f -a "auto\t'A picture on a terminal, else lines'
tty\t'A picture of the run'
plain\t'Lines'
json\t'One event as JSON in each line, on standard output; docs/events.md describes them'
quiet\t'Errors only'"
complete -c dcb -n "__fish_dcb_using_subcommand ci" -l push -d 'Push the images of services that have an `image:`, but for changes that are only proposed'
complete -c dcb -n "__fish_dcb_using_subcommand ci" -l force-traditional -d 'Use the classic builder and traditional Dockerfiles'
complete -c dcb -n "__fish_dcb_using_subcommand ci" -s v -l verbose -d 'Show what is run, and the log of every step'
complete -c dcb -n "__fish_dcb_using_subcommand ci" -s h -l help -d 'Print help (see more with \'--help\')'
