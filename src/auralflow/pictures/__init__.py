"""From files and folders to pictures in files: sounds, estimates beside targets, scores, learning curves."""
