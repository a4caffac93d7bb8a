"""Worker processes: one lasting process per participant, behind ``concurrent.futures``.

Importing this package imports next to nothing, because a worker does so before its environment
is set: :class:`samestep.workers.executor.WorkerExecutor` is in its module.
"""
