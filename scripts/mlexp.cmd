@rem Run mlexp; sets everything up on first use. Without arguments: the default study.
@setlocal
@where py >nul 2>nul && set "python=py -3" || set "python=python"
@%python% "%~dp0launch.py" mlexp %*
