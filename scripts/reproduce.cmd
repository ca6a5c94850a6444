@rem Run the studies of the five reports and write docs/reproduction.md; see docs/reproduction.md.
@setlocal
@where py >nul 2>nul && set "python=py -3" || set "python=python"
@%python% "%~dp0launch.py" reproduce %*
