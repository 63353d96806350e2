# SPDX-License-Identifier: Apache-2.0
# bash completion for vbpf. Verbs and options are those of `vbpf options`; a test holds the two together.

_vbpf_names() {
  local folder=${VBPF_RUN_DIR:-/run/vbpf}
  compgen -W "$(cd "$folder" 2>/dev/null && printf '%s ' */ | tr -d '/*')" -- "$1"
}

_vbpf() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]} options=
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W 'load unload list show stats log run verify doctor --help --version' -- "$current")
    return
  fi
  case $previous in
    --hook) mapfile -t COMPREPLY < <(compgen -W 'xdp uffd plugin' -- "$current"); return ;;
    --dev) mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net)" -- "$current"); return ;;
    --pid) mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$current"); return ;;
    --on-exit) mapfile -t COMPREPLY < <(compgen -W 'wait zero poison' -- "$current"); return ;;
    --mode) mapfile -t COMPREPLY < <(compgen -W 'auto native generic' -- "$current"); return ;;
    --poll) mapfile -t COMPREPLY < <(compgen -W 'adaptive spin sleep' -- "$current"); return ;;
    --engine) mapfile -t COMPREPLY < <(compgen -W "$([ "$verb" = run ] || echo auto) kernel user" -- "$current"); return ;;
    --on-fault) mapfile -t COMPREPLY < <(compgen -W 'restart detach pass' -- "$current"); return ;;
    --confine) mapfile -t COMPREPLY < <(compgen -W 'auto pku sfi' -- "$current"); return ;;
    --variant) mapfile -t COMPREPLY < <(compgen -W 'user sfi kernel' -- "$current"); return ;;
    --frame-size) mapfile -t COMPREPLY < <(compgen -W '2048 4096' -- "$current"); return ;;
    --data | --pcap | --source | --listen) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --name | --entry | --threads | --prefetch | --batch | --frames | --max-restarts | --packet-bytes | --budget | --stack-size | --heap-size | --interval | --hex | --repeat)
      return ;;
  esac
  case $verb in
    load) options='--hook --dev --pid --listen --source --threads --prefetch --on-exit --name --entry --engine --precise --packet-bytes --mode --poll --copy --zero-copy --batch --frames --frame-size --on-fault --max-restarts
      --confine --unconfined --budget --stack-size --heap-size --i-know --json --help' ;;
    unload) options='--all --json --help' ;;
    list | doctor) options='--json --help' ;;
    show) options='--registers --json --help' ;;
    stats) options='--watch --interval --queues --json --help' ;;
    log) options='--follow --json --help' ;;
    run) options='--entry --engine --hex --data --pcap --repeat --confine --unconfined --budget --stack-size --heap-size --registers --json --help' ;;
    verify) options='--variant --json --help' ;;
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    return
  fi
  case $verb in
    load | run | verify) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current"; compgen -f -X '!*.o' -- "$current") ;;
    unload | show | stats | log) mapfile -t COMPREPLY < <(_vbpf_names "$current") ;;
  esac
}

complete -F _vbpf vbpf
