import pytest

from fimsmith.corpus.licences import UNKNOWN, allowed, detect

GPL = """/*
 * This code is free software; you can redistribute it and/or modify it
 * under the terms of the GNU General Public License version 2 only, as
 * published by the Free Software Foundation. Oracle designates this
 * particular file as subject to the "Classpath" exception.
 */"""


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("// SPDX-License-Identifier: MIT\npackage a;", "MIT"),
        ("/* SPDX-License-Identifier: EPL-2.0 OR Apache-2.0 */", "EPL-2.0 OR Apache-2.0"),
        ('/*\n * Licensed under the Apache License, Version 2.0 (the "License");\n */', "Apache-2.0"),
        ("                Apache License\n        Version 2.0, January 2004", "Apache-2.0"),
        ("// Permission is hereby granted, free of charge, to any person", "MIT"),
        ("/* Redistribution and use in source\n * and binary forms. Neither the name of X */", "BSD-3-Clause"),
        ("/* Redistribution and use in source\n * and binary forms, with or without */", "BSD-2-Clause"),
        (GPL, "GPL-2.0-only WITH Classpath-exception-2.0"),
        (
            "GNU Lesser General Public License as published; either version 2.1, or any later version. GNU General",
            "LGPL-2.1-or-later",
        ),
        (
            "GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007 ... GNU Affero General Public License",
            "GPL-3.0-only",
        ),
        ("/* Eclipse Public License - v 2.0 */", "EPL-2.0"),
        ("Mozilla Public License Version 2.0", "MPL-2.0"),
        ("package a; class A {}", None),
        ("The inelastic license of this file", None),
        ("Business Source License 1.1\nChange License: Apache License, Version 2.0", "BUSL-1.1"),
        ("/* Licensed under the Elastic License 2.0 and the Server Side Public License, v 1 */", "Elastic-2.0"),
        ("Server Side Public License, version 1, derived from the GNU Affero General Public License", "SSPL-1.0"),
        ('"Commons Clause" License Condition v1.0 ... License: Apache License 2.0', "LicenseRef-Commons-Clause"),
        ("PolyForm Noncommercial License 1.0.0", "LicenseRef-PolyForm"),
        ("/* All rights reserved. This file is not licensed under the MIT License. */", UNKNOWN),
        ("/* Confidential. Not licensed under the terms of the Apache License, Version 2.0. */", UNKNOWN),
        ("/* Formerly licensed under the Apache License, Version 2.0 */", UNKNOWN),
        ("/* It isn't released under the MIT License but under the Mozilla Public License, v. 2.0 */", "MPL-2.0"),
        ("/* Acme Proprietary/Confidential. Its tests are under the MIT License. */", UNKNOWN),
        ("/* Confidential and proprietary. Uses code under the Apache License, Version 2.0 */", UNKNOWN),
        ("/* Unauthorized copying of this file, via any medium, is prohibited. */", UNKNOWN),
        ("/* Portions of this file are licensed under the Apache License, Version 2.0. */", None),
        ("/* Portions Copyright 2020 Acme. Licensed under the Apache License, Version 2.0. */", "Apache-2.0"),
        ("/* You may use this file if not, or not only, for work under the MIT License. */", "MIT"),
        ("/* Portions licensed under the Apache License, Version 2.0. The rest: CC-BY-NC */", "LicenseRef-CC-BY-NC"),
        ("Creative Commons Attribution-NonCommercial 4.0 International", "LicenseRef-CC-BY-NC"),
        ("Permission is hereby granted, free of charge, for non-commercial use only", "LicenseRef-NonCommercial"),
        (
            "GNU General Public License, version 1 ... This is allowed only for noncommercial distribution",
            "GPL-1.0-only",
        ),
        ("Permission is hereby granted, free of charge. It shall be used for Good, not Evil.", "JSON"),
        ("Permission is hereby granted, free of charge, for commercial and non-commercial use", "MIT"),
        ("Functional Source License, Version 1.1, Apache License, Version 2.0 after it", "LicenseRef-FSL"),
        (
            "/* SPDX-License-Identifier: MIT */\n/* SPDX-License-Identifier: GPL-2.0-only */\nclass A {}",
            "MIT AND GPL-2.0-only",
        ),
        ("// SPDX-License-Identifier: MIT OR EPL-2.0\n// SPDX-License-Identifier: ISC\n", "(MIT OR EPL-2.0) AND ISC"),
        ("// SPDX-License-Identifier: MIT\n// SPDX-License-Identifier: MIT\n", "MIT"),
        ("/* SPDX-License-Identifier: Apache-2.0\r\n * AND GPL-3.0-only */", "Apache-2.0 AND GPL-3.0-only"),
        ("/* SPDX-License-Identifier: MIT */\n// AND NOW FOR THE CODE\n", "MIT"),
        ("// SPDX-License-Identifier: Apache-2.0.\n", "Apache-2.0"),
        ("/***\n * SPDX-License-Identifier: Apache-2.0      *\n ***/", "Apache-2.0"),
        ("<!-- SPDX-License-Identifier: MIT -->", "MIT"),
        ("/** <p>SPDX-License-Identifier: MIT</p> */", "MIT"),
        ("Begin with `SPDX-License-Identifier: MIT` in each file", "MIT"),
        ("/* SPDX-License-Identifier: ${licence} */", None),
        (
            "Mozilla Public License Version 2.0. 'Secondary License' means either the GNU General Public License",
            "MPL-2.0",
        ),
        (
            "/* Under the Eclipse Public License v1.0. Parser: X, under the Apache License, Version 2.0 */",
            "Apache-2.0 AND EPL-1.0",
        ),
        (
            "/* Eclipse Public License v1.0 and Apache License v2.0: use it under either of these licenses. */",
            "Apache-2.0 OR EPL-1.0",
        ),
        (
            "/* Under the Eclipse Public License 2.0, or the Apache License, Version 2.0 */",
            "Apache-2.0 OR EPL-2.0",
        ),
        ("/* Apache License, Version 2.0; permission is hereby granted, free of charge */", "Apache-2.0"),
        ("Common Development and Distribution License (CDDL) Version 1.0", "CDDL-1.0"),
        ("You can use this software under the Mulan PSL v2", "MulanPSL-2.0"),
        ("Boost Software License - Version 1.0", "BSL-1.0"),
        ("This is free and unencumbered software released into the public domain.", "Unlicense"),
        ("CC0 1.0 Universal", "CC0-1.0"),
        ("Permission to use, copy, modify, and/or distribute this software for any purpose", "ISC"),
        ("/** Lists the files that are not under the root folder. */ class A {}", None),
        (
            "/* Licensed under the Apache License, Version 2.0. The fonts are not under the Apache License. */",
            "Apache-2.0",
        ),
        ("/* Elastic licenses this file to you under the Apache License, Version 2.0 */", "Apache-2.0"),
        ("/* Use of this software is governed by the Business Source License */", "BUSL-1.1"),
        ("/* Licensed under the MIT License. You may not use it otherwise. */", "MIT"),
    ],
)
def test_a_stated_licence_is_named_by_its_spdx_identifier(text: str, licence: str | None):
    assert detect(text) == licence


@pytest.mark.parametrize("end", ["/", ", ", ";", " & ", " "])
def test_of_an_spdx_tag_that_is_no_expression_nothing_is_allowed(end: str):
    tag = f"Apache-2.0{end}GPL-3.0-only"
    assert detect(f"/* SPDX-License-Identifier: {tag} */") == tag
    assert not allowed(tag, ["Apache-2.0"])


def test_java_states_its_licence_in_comments_only():
    code = 'class A { String head = "Licensed under the Apache License, Version 2.0 // SPDX-License-Identifier: MIT"; }'
    assert detect(code, "java") is None
    assert detect(code + "// Licensed under the Apache License, Version 2.0", "java") == "Apache-2.0"
    assert detect("package a; /* Under the MIT License" + 10_000 * " " + "*/", "java") == "MIT"


@pytest.mark.parametrize(
    ("expression", "identifiers", "result"),
    [
        ("MIT", ["MIT", "Apache-2.0"], True),
        ("mit", ["MIT"], True),
        ("GPL-3.0-only", ["MIT"], False),
        ("EPL-2.0 OR Apache-2.0", ["Apache-2.0"], True),
        ("MIT AND GPL-2.0-only", ["MIT"], False),
        ("MIT AND Apache-2.0", ["MIT", "Apache-2.0"], True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only"], False),
        (None, ["MIT"], False),
        ("(MIT OR Apache-2.0) AND GPL-3.0-only", ["MIT"], False),
        ("GPL-2.0-only AND (MIT OR BSD-3-Clause)", ["BSD-3-Clause"], False),
        ("MIT AND (GPL-2.0-only OR Apache-2.0)", ["MIT", "Apache-2.0"], True),
        ("((MIT) OR (GPL-2.0-only AND X))", ["MIT"], True),
        ("MIT AND Apache-2.0 OR GPL-2.0-only", ["GPL-2.0-only"], True),
        ("(MIT", ["MIT"], False),
        ("Apache-2.0 OR LicenseRef_Proprietary_x", ["Apache-2.0"], False),
        ("MIT OR see the other files", ["MIT"], False),
        ("MIT OR GPL-2.0-only WITH Classpath-exception-2.0", ["MIT"], True),
        ("MIT OR DocumentRef-x:LicenseRef-y", ["MIT"], True),
        ("(Apache License 2.0) AND MIT", ["Apache License 2.0", "MIT"], True),
        ("", ["MIT"], False),
        ("MIT AND \x01", ["MIT"], False),
        ("(" * 500_000 + "MIT" + ")" * 500_000, ["MIT"], False),
    ],
)
def test_an_expression_is_allowed_when_the_list_satisfies_it(
    expression: str | None, identifiers: list[str], result: bool
):
    assert allowed(expression, identifiers) is result
