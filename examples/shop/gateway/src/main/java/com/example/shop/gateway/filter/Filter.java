/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.filter;

import com.example.shop.gateway.http.Request;
import com.example.shop.gateway.http.Response;

/** One step on the way of a request to its backend. */
@FunctionalInterface
public interface Filter {

    /** What comes after a filter: the other filters and, in the end, the backend. */
    @FunctionalInterface
    interface Next {
        Response proceed(Request request) throws Exception;
    }

    /** Answers the request itself or hands it on to {@code next}. */
    Response apply(Request request, Next next) throws Exception;

    /** Returns the place of the filter in the chain; smaller numbers come first. */
    default int order() {
        return 0;
    }
}
