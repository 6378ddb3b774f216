complete --keep-order --exclusive --command dcb --arguments "(DCB_COMPLETE=fish dcb -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
