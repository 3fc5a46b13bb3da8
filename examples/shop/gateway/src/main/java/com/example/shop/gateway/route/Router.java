/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.route;

import com.example.shop.gateway.http.Request;
import com.example.shop.gateway.support.Preconditions;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Finds the route of a request. The table can be replaced while requests are being served. */
public class Router {

    /** A route together with the values of its path variables. */
    public record Match(Route route, Map<String, String> variables) {

        /** Returns the path under which the backend is called. */
        public String backendPath(String originalPath) {
            return route.rewrite() == null ? originalPath : route.rewrite().expand(variables);
        }
    }

    private static final Logger LOG = Logger.getLogger(Router.class.getName());

    private volatile List<Route> routes = List.of();

    public Router(Collection<Route> routes) {
        replace(routes);
    }

    /** Replaces the whole table, or changes nothing if two routes have the same id. */
    public final void replace(Collection<Route> newRoutes) {
        Preconditions.notNull(newRoutes, "newRoutes");
        Set<String> ids = new HashSet<>();
        for (Route route : newRoutes) {
            if (!ids.add(route.id())) {
                throw new IllegalArgumentException("two routes have the id " + route.id());
            }
        }
        routes = newRoutes.stream().sorted(Comparator.comparing(Route::template)).toList();
        LOG.log(Level.INFO, "route table replaced, {0} routes", routes.size());
    }

    /** Returns the most specific route that matches path and method. */
    public Optional<Match> find(Request request) {
        for (Route route : routes) {
            if (!route.allows(request.method())) {
                continue;
            }
            Optional<Map<String, String>> variables = route.template().match(request.path());
            if (variables.isPresent()) {
                return Optional.of(new Match(route, variables.get()));
            }
        }
        return Optional.empty();
    }

    /** Tells whether the path is known under some other method. */
    public boolean knowsPath(String path) {
        return routes.stream().anyMatch(route -> route.template().match(path).isPresent());
    }

    public List<Route> routes() {
        return routes;
    }
}
