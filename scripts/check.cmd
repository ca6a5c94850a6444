@rem What has to pass before a commit: style, types, fast tests.
@setlocal
@where py >nul 2>nul && set "python=py -3" || set "python=python"
@%python% "%~dp0launch.py" check %*
