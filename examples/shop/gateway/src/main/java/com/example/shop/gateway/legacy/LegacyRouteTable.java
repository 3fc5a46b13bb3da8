/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.legacy;

import com.example.shop.gateway.route.Route;
import com.example.shop.gateway.support.Preconditions;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Reads the route table of the old gateway, one route per line. */
public class LegacyRouteTable {

    private static final Logger LOG = Logger.getLogger(LegacyRouteTable.class.getName());

    private final Path file;

    public LegacyRouteTable(Path file) {
        this.file = Preconditions.notNull(file, "file");
    }

    /** Reads all routes; lines that cannot be read are skipped with a warning. */
    public List<Route> load() throws IOException {
        List<Route> routes = new ArrayList<>();
        try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            String line;
            int lineNo = 0;
            while ((line = reader.readLine()) != null) {
                lineNo++;
<<<<<<< HEAD
                if (line.isBlank() || line.startsWith("#")) {
                    continue;
                }
                try {
                    routes.add(parseLine(line));
                } catch (IllegalArgumentException e) {
                    LOG.log(Level.WARNING, "line {0} skipped: {1}", new Object[] {lineNo, e.getMessage()});
                }
=======
                String stripped = line.strip();
                if (!stripped.isEmpty() && stripped.charAt(0) != '#') {
                    routes.add(parseLine(stripped, lineNo));
                }
>>>>>>> feature/route-line-numbers
            }
        }
        return routes;
    }

<<<<<<< HEAD
    private Route parseLine(String line) {
        String[] fields = line.split("\\s+");
        if (fields.length < 3) {
            throw new IllegalArgumentException("路由至少有三个字段");
        }
        Route route = Route.open(fields[0], fields[1], fields[2]);
=======
    private Route parseLine(String line, int lineNo) {
        String[] fields = line.split("\\s+", 4);
        if (fields.length < 3) {
            throw new IllegalArgumentException("第 " + lineNo + " 行：路由至少有三个字段");
        }
        Route route = Route.open(fields[0] + "@" + lineNo, fields[1], fields[2]);
>>>>>>> feature/route-line-numbers
        if (fields.length > 3 && fields[3].contains("login")) {
            return route.requireLogin();
        }
        return route;
    }

    /** Tells whether the old table is still there. */
    public boolean exists() {
        return Files.isRegularFile(file);
    }

    /** Renames the table so that it is not loaded again. */
    public Path retire() throws IOException {
        Path retired = file.resolveSibling(file.getFileName() + ".retired");
        return Files.move(file, retired);
    }
}
