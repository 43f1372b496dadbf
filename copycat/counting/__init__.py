"""In how many captions of a corpus each character is named: at the speed of the disk, or from an index."""
