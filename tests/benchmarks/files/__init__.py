"""Files between two sites by HTTP, against a shell with nginx, curl, sha256sum and tar."""
