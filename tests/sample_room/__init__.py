"""A room for the tests of flywheel/jobs: its handlers are found as any room's are, in worker processes too."""
