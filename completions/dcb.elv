set edit:completion:arg-completer[dcb] = { |@words|
    var index = (count $words)
    set index = (- $index 1)

    put (env _CLAP_IFS="\n" _CLAP_COMPLETE_INDEX=(to-string $index) DCB_COMPLETE="elvish" dcb -- $@words) | to-lines
}
