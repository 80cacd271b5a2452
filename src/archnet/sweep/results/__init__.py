"""The results of a sweep, read from its folder: trials, learning curves, leaderboard, importance of hyperparameters."""
