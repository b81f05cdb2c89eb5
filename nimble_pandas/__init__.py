"""A column of URLs in, a tidy DataFrame out: Nimble's batch API for pandas."""
