#!/bin/sh
# Stands in for OpenDroneMap's run.py: the same command line, log lines, files and exit codes, without the photogrammetry.
#
# What it does is chosen by files in the folder .double of the project:
#   scenario   shell variables, see below
#   outputs/   files that the stage with the folder of that name "makes" (outputs/odm_orthophoto/odm_orthophoto.tif)
# It appends a line with its container's name and arguments to .double/starts.

outcome=succeed     # succeed exit refuse out_of_memory killed full_disk hang ignore_term chatter steady lose_report
at=opensfm          # the stage in which it happens
seconds=0           # how long a stage takes
code=1              # of the child program that fails (outcome=exit)
sentence="Not enough supported images in $PWD"   # of outcome=refuse
lines=200000        # of outcome=chatter and steady
filler_mb=64        # the most that outcome=full_disk writes
georeferenced=yes
positions=          # "Updated N image positions"; as many as geo.txt has when empty
log_lines=2         # lines between the markers of a stage

info() { echo "[INFO]    $*"; }
warning() { echo "[WARNING] $*"; }
error() { echo "[ERROR]   $*"; }
pause() { sleep "$1" & wait $!; }
now() { date '+%a %b %d %H:%M:%S  %Y'; }

usage() {
    echo "usage: run.py [options] <dataset name>" >&2
    echo "run.py: error: $*" >&2
    exit 2
}

help() {
    echo "usage: run.py [options] <dataset name>"
    sed 's/^\(.*\)=$/\1 <value>/; s/^/  --/' /code/options
    exit 0
}

parse() {
    while [ $# -gt 0 ]; do
        word=$1
        shift
        case $word in
            --help) help ;;
            --*=*) name=${word%%=*}; value=${word#*=} ;;
            --*)
                name=$word; value=
                if grep -qx -e "${name#--}=" /code/options; then
                    [ $# -gt 0 ] || usage "argument $name: expected one argument"
                    value=$1
                    shift
                fi ;;
            *) dataset=$word; continue ;;
        esac
        grep -qx -e "${name#--}=\?" /code/options || usage "unrecognized arguments: $word"
        case $name in
            --project-path) parent=$value ;;
            --end-with) end_with=$value ;;
            --rerun-from) rerun_from=$value ;;
            --fast-orthophoto) fast=yes ;;
            --skip-report) skip_report=yes ;;
        esac
    done
}

log_json() {
    printf '{"odmVersion": "3.5.6", "memory": {"total": 0, "available": 0}, "cpus": 1, "images": %s, "options": {},' \
        "${images:-0}"
    printf ' "startTime": "%s", "endTime": "%s", "totalTime": 0, "stages": [%s], "processes": [],' \
        "$began" "$(date '+%Y-%m-%dT%H:%M:%S')" "$journal"
    printf ' "success": %s, "error": {"code": %s, "message": "%s"}}\n' "$1" "$2" "$3"
}

end() { # code, message
    success=false
    [ "$1" = 0 ] && success=true
    if ! log_json $success "$1" "$2" > log.json; then
        error "Cannot write log.json: [Errno 28] No space left on device"
    fi
    exit "$1"
}

refuse() { error "$1"; end 1 "$1"; }

child_failed() { # exit code of the child program
    echo
    echo "===== Dumping Info for Geeks (developers need this to fix bugs) ====="
    echo "Child returned $1"
    echo "Traceback (most recent call last):"
    echo '  File "/code/stages/odm_app.py", line 82, in execute'
    echo "    self.first_stage.run()"
    echo "opendm.system.SubprocessException: Child returned $1"
    echo "===== Done, human-readable information to follow... ====="
    echo
    case $1 in
        139 | 134 | 1) message="Uh oh! Processing stopped because of strange values in the reconstruction. This is often a sign that the input data has some issues or the software cannot deal with it. Have you followed best practices for data acquisition? See https://docs.opendronemap.org/flying/" ;;
        137) message="Whoops! You ran out of memory! Add more RAM to your computer, if you're using docker configure it to use more memory, for WSL2 make use of .wslconfig, resize your images, lower the quality settings or process the images using a cloud provider (e.g. https://webodm.net)." ;;
        132) message="Oh no! It looks like your CPU is not supported (is it fairly old?). You can still use ODM, but you will need to build your own docker image. See https://github.com/OpenDroneMap/ODM#build-from-source" ;;
        3) message="ODM can't find a program that is required for processing to run! Did you do a custom build of ODM? (cool!) Make sure that all programs required by ODM are in the right place and are built correctly." ;;
        *) message="The program exited with a strange error code. Please report it at https://community.opendronemap.org" ;;
    esac
    error "$message"
    end "$1" "$message"
}

misbehave() {
    case $outcome in
        exit) child_failed "$code" ;;
        refuse) refuse "$sentence" ;;
        out_of_memory) # The child dies by the memory limit, and ODM lives to tell.
            head -c 8000m /dev/zero | tail -n 1 > /dev/null
            child_failed $? ;;
        killed) exec tail -n 1 /dev/zero ;; # The limit takes the main process itself.
        full_disk)
            if ! dd if=/dev/zero of=opensfm/filler bs=1M count="$filler_mb" 2> /dev/null; then
                echo "OSError: [Errno 28] No space left on device"
                child_failed 1
            fi ;;
        hang) while :; do pause 3600; done ;;
        ignore_term) trap '' TERM; while :; do sleep 1; done ;;
        chatter) awk -v n="$lines" 'BEGIN { for (i = 1; i <= n; i++) print "OpenSfM pair " i " of " n }' ;;
        steady) # A line every 20 ms, for those who interrupt the reading.
            i=0
            while [ $i -lt "$lines" ]; do
                i=$((i + 1))
                echo "steady line $i of $lines"
                usleep 20000
            done ;;
        lose_report) echo "weasyprint: cannot load font"; child_failed 1 ;;
    esac
}

load_images() {
    info "Loading dataset from: $PWD/images"
    [ -d images ] || refuse "There are no images in $PWD/images! Make sure that your project path and dataset name is correct. The current is set to: $PWD"
    ls images | grep -iE '\.(jpe?g|png|tiff?|bmp|raw|dng|nef|jxl)$' | grep -viE '_mask\.[a-z]*$' > img_list.txt
    images=$(wc -l < img_list.txt)
    [ "$images" -gt 0 ] || refuse "Not enough supported images in $PWD/images"
    info "Loading $images images"
    if [ -f geo.txt ]; then
        info "Found image geolocation file"
        info "Updated ${positions:-$(tail -n +2 geo.txt | grep -c .)} image positions"
    fi
    { printf '['; sed 's/.*/{"filename": "&"}/' img_list.txt | paste -s -d, | tr -d '\n'; echo ']'; } > images.json
    info "Wrote images database: $PWD/images.json"
    info "Found $images usable images"
    [ $georeferenced = yes ] || warning "Could not generate coordinates file. The orthophoto will not be georeferenced."
}

make() { # stage
    case $1 in
        dataset) load_images ;;
        split) info "Normal dataset, will process all at once." ;;
        merge) info "Normal merge, nothing to merge." ;;
        opensfm)
            mkdir -p opensfm/features
            [ -d .double/outputs/opensfm ] || echo '[]' > opensfm/reconstruction.json
            [ -f .double/outputs/cameras.json ] || echo '{}' > cameras.json ;;
    esac
    folder=$1
    [ "$1" = mvs_texturing ] && folder=odm_texturing
    case $1 in odm_*) mkdir -p "$folder" ;; esac
    i=0
    while [ $i -lt "$log_lines" ]; do
        i=$((i + 1))
        echo "$(date '+%Y-%m-%d %H:%M:%S,000') DEBUG: $1 step $i"
    done
    [ "$seconds" = 0 ] || pause "$seconds"
    [ "$1" = "$at" ] && [ "$outcome" != succeed ] && misbehave
    [ -d ".double/outputs/$folder" ] && { mkdir -p "$folder"; cp -r ".double/outputs/$folder/." "$folder/"; }
    [ "$1" = opensfm ] && [ -f .double/outputs/cameras.json ] && cp .double/outputs/cameras.json cameras.json
    return 0
}

run_stage() {
    info "Running $1 stage"
    journal="${journal:+$journal, }{\"name\": \"$1\", \"startTime\": \"$(date '+%Y-%m-%dT%H:%M:%S')\", \"messages\": []}"
    before=$(date +%s)
    make "$1"
    echo "$1 runtime: $(($(date +%s) - before)) seconds" >> benchmark.txt
    info "Finished $1 stage"
}

stop() {
    warning "Caught TERM/INT signal, attempting to exit gracefully..."
    exit 1
}

parse "$@"
info "Initializing ODM 3.5.6 - $(now)"
[ -n "$dataset" ] || usage "the following arguments are required: name"
if ! cd "$parent/$dataset" 2> /dev/null; then
    error "Directory $dataset does not exist."
    exit 1
fi
[ -f .double/scenario ] && . ./.double/scenario
[ "$outcome" = lose_report ] && at=odm_report
[ -d .double ] && echo "$(hostname) $*" >> .double/starts
trap stop TERM INT
began=$(date '+%Y-%m-%dT%H:%M:%S')
[ -n "$rerun_from" ] && info "Rerunning from: $rerun_from"
info "=============="
info "project_path: $PWD"
info "=============="
if command -v nvidia-smi > /dev/null; then info "nvidia-smi detected"; else info "No nvidia-smi detected"; fi

stages="dataset split merge opensfm openmvs odm_filterpoints odm_meshing mvs_texturing odm_georeferencing odm_dem odm_orthophoto odm_report odm_postprocess"
for stage in $stages; do
    [ "$stage" = openmvs ] && [ "$fast" = yes ] && continue
    run_stage "$stage"
    [ "$stage" = "$end_with" ] && break
done

printf '{"images": %s}\n' "$images" > options.json
info "MMMMMMMMMMMNNNMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMNNNMMMMMMMMMMM"
info "ODM app finished - $(now)"
end 0 ""
