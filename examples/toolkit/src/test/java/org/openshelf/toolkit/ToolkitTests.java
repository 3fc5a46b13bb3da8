/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit;

import org.openshelf.toolkit.flow.FlowTest;

/** Runs every test of the library: {@code java -cp out org.openshelf.toolkit.ToolkitTests}. */
public final class ToolkitTests {

    private ToolkitTests() {
    }

    public static void main(String[] args) throws Exception {
        TextAndIoTest.runAll();
        CollectTest.runAll();
        FlowTest.runAll();
        System.out.println("toolkit: all tests passed");
    }
}
