#!/bin/sh
# Dub a recording over the API with curl: dub.sh talk.wav es
# DUBBER_URL is the site (http://localhost:8000), DUBBER_TOKEN an access token or an API key.
set -eu
site=${DUBBER_URL:-http://localhost:8000}
file=$1
language=$2

ask() { # ask METHOD PATH [JSON]
    curl -sS --fail-with-body -X "$1" "$site$2" -H "Authorization: Bearer $DUBBER_TOKEN" \
        -H "Content-Type: application/json" ${3:+--data "$3"}
}

field() { # field NAME: the first value of that name in the JSON on stdin
    sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" | head -n 1
}

issued=$(ask POST /api/jobs/upload-urls \
    "{\"languages\": [\"$language\"], \"voice_track_name\": \"$(basename "$file")\"}")
job=$(printf '%s' "$issued" | field job_id)

curl -sS --fail-with-body -T "$file" -H "Content-Type: application/octet-stream" \
    "$(printf '%s' "$issued" | field voice_track)" > /dev/null

ask POST /api/jobs/ "{\"job_id\": \"$job\", \"voice_track_uploaded\": true, \
    \"background_track_uploaded\": false, \"languages\": [\"$language\"]}" > /dev/null

while true; do
    shown=$(ask GET "/api/jobs/$job")
    case $(printf '%s' "$shown" | sed 's/"languages".*//' | field status) in
        complete) break ;;
        error) printf '%s' "$shown" | field message >&2; exit 1 ;;
    esac
    sleep 2
done

link=$(curl -sS --fail-with-body "$site/api/jobs/$job/download?lang=$language&type=full" \
    -H "Authorization: Bearer $DUBBER_TOKEN" -H "Accept: application/json" | field url)
curl -sS --fail-with-body -o "${file%.*}.$language.mp3" "$link"
echo "${file%.*}.$language.mp3"
