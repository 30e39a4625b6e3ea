# Makes the script by which ALTER EXTENSION auth_store UPDATE brings a released version to this one, from the install
# scripts of both:
#
#   awk -f scripts/update.awk -v head=sql/updates/0.1.0.sql OLD-INSTALL-SCRIPT NEW-INSTALL-SCRIPT
#
# First comes the file head, in which the rows of changed.functions and changed.types take the place of two marks; then
# the drops: functions whose arguments or result are no longer those, and what is gone; then the new install script,
# with CREATE OR REPLACE for functions and ALTER TYPE … ADD ATTRIBUTE for types that were there. A type whose
# old columns are no longer its first ones is dropped and made anew, with the functions that return it.
#
# What this file does not know to update ends it with an error: it then has to be taught.

FNR == 1 { file++; begin() }
file == 1 || file == 2 { line($0) }
END {
    if (!failed && file != 2) fail("needs two install scripts")
    if (!failed && quote != "") fail("the script ends inside of " quote)
    if (failed) exit 1
    compare()
    print_script()
    if (failed) exit 1
}

function fail(message) {
    print "update.awk: " message > "/dev/stderr"
    failed = 1
}

# --- statements ------------------------------------------------------------------------------------------------------

function begin() {
    quote = text = plain = ""
}

# Takes a line to the statement it belongs to: text as it is, plain without comments and without what is quoted.
function line(rest,    at, found) {
    text = text rest "\n"
    while (rest != "") {
        if (quote != "") {
            at = index(rest, quote)
            if (at == 0) break
            rest = substr(rest, at + length(quote))
            quote = ""
            continue
        }
        if (!match(rest, /--|\/\*|'|\$[A-Za-z_]*\$|;/)) { plain = plain rest; break }
        found = substr(rest, RSTART, RLENGTH)
        plain = plain substr(rest, 1, RSTART - 1)
        rest = substr(rest, RSTART + RLENGTH)
        if (found == "--") break
        if (found == "/*") quote = "*/"
        else if (found == ";") ended()
        else { quote = found; plain = plain "''" }
    }
    plain = plain "\n"
    # What stands between statements.
    if (quote == "" && plain !~ /[^ \t\n]/) { pass(text); text = plain = "" }
}

function pass(it) {
    if (file == 2) { kind[++count] = "text"; body[count] = it }
}

function ended(    words, name) {
    gsub(/[ \t\n]+/, " ", plain)
    sub(/^ /, "", plain)
    split(plain, words, / |\(/)
    if (words[1] != "CREATE") pass(text)
    else if (words[2] == "FUNCTION" || words[2] == "PROCEDURE") routine(words[2], bare(words[3]))
    else if (words[2] == "TYPE" && plain ~ /^CREATE TYPE [^ ]+ AS \(/) type(bare(words[3]))
    else if (words[2] == "EVENT" && words[3] == "TRIGGER") trigger(bare(words[4]))
    else fail("does not know: " substr(plain, 1, 60))
    text = plain = ""
}

function keep(what, name) {
    if (file == 2) { kind[++count] = what; names[count] = name; body[count] = text }
}

function bare(name) {
    gsub(/"/, "", name)
    sub(/^auth_store\./, "", name)
    return name
}

# What is between the first parenthesis and the one that closes it; REST is what follows.
function inside(it,    at, depth, i, c) {
    at = index(it, "(")
    for (i = at; i <= length(it); i++) {
        c = substr(it, i, 1)
        if (c == "(") depth++
        if (c == ")" && --depth == 0) break
    }
    REST = substr(it, i + 1)
    return substr(it, at + 1, i - at - 1)
}

function trimmed(it) {
    gsub(/[ \t\n]+/, " ", it)
    gsub(/^ | $/, "", it)
    return it
}

# --- what the two have -----------------------------------------------------------------------------------------------

# The first word of what may follow a result.
BEGIN { FOLLOWS = " (STRICT|CALLED|VOLATILE|STABLE|IMMUTABLE|LEAKPROOF|SECURITY|PARALLEL|SUPPORT|SET|LANGUAGE|AS) " }

# One name is one function. Its arguments are kept with their types, and whether they have a default.
function routine(what, name,    parts, n, i, all, default_at, result) {
    if ((file, name) in arguments) fail("two functions " name)
    n = split(inside(plain), parts, ",")
    for (i = 1; i <= n; i++) {
        parts[i] = trimmed(parts[i])
        if (parts[i] == "") continue
        default_at = match(parts[i], / DEFAULT | = /)
        defaults[file, name, i] = default_at > 0
        if (default_at) parts[i] = substr(parts[i], 1, default_at - 1)
        all = all (i > 1 ? ", " : "") parts[i]
    }
    result = match(REST, FOLLOWS) ? substr(REST, 1, RSTART - 1) : REST
    arguments[file, name] = all
    results[file, name] = trimmed(result)
    routines[file, name] = what
    if (file == 1) old_routines[++old_routine_count] = name
    keep("routine", name)
}

function type(name,    columns) {
    columns = inside(plain)
    if (columns ~ /\(/) fail("does not know a column of type " name)
    types[file, name] = trimmed(columns)
    if (file == 1) old_types[++old_type_count] = name
    keep("type", name)
}

function trigger(name) {
    triggers[file, name] = 1
    if (file == 1) old_triggers[++old_trigger_count] = name
    keep("trigger", name)
}

# --- what an update has to do ----------------------------------------------------------------------------------------

function compare(    i, name, old, new) {
    for (i = 1; i <= old_type_count; i++) {
        name = old_types[i]
        old = types[1, name] ", "
        new = types[2, name] ", "
        if (old == new) fate[name] = "stays"
        else if (substr(new, 1, length(old)) == old) fate[name] = "grows"
        else fate[name] = "goes"
    }
    for (i = 1; i <= old_routine_count; i++) {
        name = old_routines[i]
        dropped[name] = routines[2, name] != routines[1, name] || results[2, name] != results[1, name] ||
            arguments[2, name] != arguments[1, name] || lost_default(name) || of_lost_type(name)
    }
}

# A type of the store in the result or an argument.
function of_lost_type(name,    i, its) {
    its = results[1, name] " " arguments[1, name] " "
    for (i = 1; i <= old_type_count; i++)
        if (fate[old_types[i]] == "goes" && its ~ ("auth_store\\.\"?" old_types[i] "\"?[^a-z0-9_]")) return 1
    return 0
}

function lost_default(name,    parts, n, i) {
    n = split(arguments[1, name], parts, ", ")
    for (i = 1; i <= n; i++) if (defaults[1, name, i] && !defaults[2, name, i]) return 1
    return 0
}

function signature(name) {
    return "auth_store." name "(" arguments[1, name] ")"
}

# As regprocedure reads it: without names, which are quoted.
function with_types(name,    its) {
    its = signature(name)
    gsub(/"[^"]*" /, "", its)
    return its
}

# --- the script ------------------------------------------------------------------------------------------------------

function print_script(    i, it) {
    print_head()
    for (i = 1; i <= old_trigger_count; i++) print "DROP EVENT TRIGGER " old_triggers[i] ";"
    for (i = 1; i <= old_routine_count; i++) {
        it = old_routines[i]
        if (dropped[it]) print "DROP " routines[1, it] " " signature(it) ";"
    }
    for (i = 1; i <= old_type_count; i++)
        if (fate[old_types[i]] == "goes") print "DROP TYPE auth_store." old_types[i] ";"
    print ""
    for (i = 1; i <= count; i++) {
        it = body[i]
        if (kind[i] == "routine") {
            if ((1, names[i]) in routines && !dropped[names[i]] && !sub(/CREATE +/, "CREATE OR REPLACE ", it))
                fail("does not find the CREATE of " names[i])
            printf "%s", it
        }
        else if (kind[i] == "type" && fate[names[i]] == "stays") continue
        else if (kind[i] == "type" && fate[names[i]] == "grows") print_grown(names[i])
        else printf "%s", it
    }
}

function print_grown(name,    parts, n, i) {
    n = split(substr(types[2, name], length(types[1, name]) + 3), parts, ", ")
    print "ALTER TYPE auth_store." name
    for (i = 1; i <= n; i++) print "    ADD ATTRIBUTE " parts[i] (i < n ? "," : ";")
}

function print_head(    it, got) {
    while ((got = getline it < head) > 0) {
        if (it ~ /^ *-- changed\.functions$/) print_changed_functions()
        else if (it ~ /^ *-- changed\.types$/) print_changed_types()
        else print it
    }
    if (got < 0) fail("can't read its head, " head)
    close(head)
}

function print_changed_functions(    i, rows) {
    for (i = 1; i <= old_routine_count; i++)
        if (dropped[old_routines[i]])
            rows = rows (rows == "" ? "" : ",\n") "            ('" with_types(old_routines[i]) "')"
    print rows
}

function print_changed_types(    i, rows) {
    for (i = 1; i <= old_type_count; i++)
        if (fate[old_types[i]] != "stays")
            rows = rows (rows == "" ? "" : ",\n") \
                "            ('auth_store." old_types[i] "', " (fate[old_types[i]] == "grows" ? "true" : "false") ")"
    print rows
}
