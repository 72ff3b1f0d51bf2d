"""What the page hears and sees of a sound: its peaks, its picture, a mix; all of it block by block."""
