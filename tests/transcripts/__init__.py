"""What a new user sees: `python -m tests.transcripts` plays it in tmux, 80 columns wide, into docs/transcripts."""
